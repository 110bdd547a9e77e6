// SPDX-License-Identifier: Apache-2.0
/**
 * Block devices and the requests that travel through them.
 *
 * <p>An {@link org.anabranch.block.Io} goes down through {@link
 * org.anabranch.block.BlockDevice#submit} and its completion comes back up, exactly once. Nothing
 * here blocks: a request that must wait is a queued {@code Io}, never a blocked thread. Clock,
 * executor, randomness and disk are injected, so that the same code runs in production and under a
 * deterministic simulator.
 */
@NullMarked
package org.anabranch.block;

import org.jspecify.annotations.NullMarked;
