// SPDX-License-Identifier: Apache-2.0
/** The target type {@code flakey}: see {@link org.anabranch.block.dm.flakey.FlakeyTarget}. */
@NullMarked
package org.anabranch.block.dm.flakey;

import org.jspecify.annotations.NullMarked;
