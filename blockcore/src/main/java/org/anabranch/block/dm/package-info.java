// SPDX-License-Identifier: Apache-2.0
/**
 * Mapped devices in device-mapper's manner: tables of targets, and the life cycle of {@code
 * dmsetup}.
 */
@NullMarked
package org.anabranch.block.dm;

import org.jspecify.annotations.NullMarked;
