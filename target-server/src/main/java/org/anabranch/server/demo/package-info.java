// SPDX-License-Identifier: Apache-2.0

/** {@code anabranch demo}: the product's story, told by running it. */
@NullMarked
package org.anabranch.server.demo;

import org.jspecify.annotations.NullMarked;
