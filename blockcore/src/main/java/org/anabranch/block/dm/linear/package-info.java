// SPDX-License-Identifier: Apache-2.0
/** The target type {@code linear}: see {@link org.anabranch.block.dm.linear.LinearTarget}. */
@NullMarked
package org.anabranch.block.dm.linear;

import org.jspecify.annotations.NullMarked;
