// SPDX-License-Identifier: Apache-2.0
/**
 * Volumes whose images are exports of NBD servers: a {@link
 * org.anabranch.server.storage.VolumeBackend} on top of {@link org.anabranch.block.nbd.NbdDevice}.
 */
@NullMarked
package org.anabranch.server.storage.nbd;

import org.jspecify.annotations.NullMarked;
