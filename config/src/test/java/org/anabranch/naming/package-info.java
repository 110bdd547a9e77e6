// SPDX-License-Identifier: Apache-2.0

/** Tests of names and of who is admitted. */
@NullMarked
package org.anabranch.naming;

import org.jspecify.annotations.NullMarked;
