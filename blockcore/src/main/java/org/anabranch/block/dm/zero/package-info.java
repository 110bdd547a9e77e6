// SPDX-License-Identifier: Apache-2.0
/** The target type {@code zero}: see {@link org.anabranch.block.dm.zero.ZeroTarget}. */
@NullMarked
package org.anabranch.block.dm.zero;

import org.jspecify.annotations.NullMarked;
