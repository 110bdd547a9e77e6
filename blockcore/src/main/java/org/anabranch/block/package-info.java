// SPDX-License-Identifier: Apache-2.0
/**
 * Block devices and their requests.
 *
 * <p>A request ({@link org.anabranch.block.Io}) goes down through {@link
 * org.anabranch.block.BlockDevice#submit}, and its completion comes back up exactly once. Nothing
 * here blocks: a request that must wait is queued, and no thread waits with it. Clock, executor,
 * randomness and disk are injected, so that production and the deterministic simulator run the same
 * code.
 */
@NullMarked
package org.anabranch.block;

import org.jspecify.annotations.NullMarked;
