// SPDX-License-Identifier: Apache-2.0
/** The target type {@code delay}: see {@link org.anabranch.block.dm.delay.DelayTarget}. */
@NullMarked
package org.anabranch.block.dm.delay;

import org.jspecify.annotations.NullMarked;
