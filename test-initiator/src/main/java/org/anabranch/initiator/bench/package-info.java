// SPDX-License-Identifier: Apache-2.0

/**
 * The benchmark: the same loads on our server and on others, in turns, on equal files. It prints
 * figures and judges nothing.
 */
@NullMarked
package org.anabranch.initiator.bench;

import org.jspecify.annotations.NullMarked;
