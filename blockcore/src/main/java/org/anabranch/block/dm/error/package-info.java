// SPDX-License-Identifier: Apache-2.0
/** The target type {@code error}: see {@link org.anabranch.block.dm.error.ErrorTarget}. */
@NullMarked
package org.anabranch.block.dm.error;

import org.jspecify.annotations.NullMarked;
