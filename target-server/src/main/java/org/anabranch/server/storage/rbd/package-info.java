// SPDX-License-Identifier: Apache-2.0
/**
 * Volumes whose images are RBD images of a Ceph cluster: a {@link
 * org.anabranch.server.storage.VolumeBackend} on top of {@link org.anabranch.block.rbd.RbdDevice}.
 */
@NullMarked
package org.anabranch.server.storage.rbd;

import org.jspecify.annotations.NullMarked;
