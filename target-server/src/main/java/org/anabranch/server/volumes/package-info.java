// SPDX-License-Identifier: Apache-2.0
/**
 * Volumes and LUNs that commands make while the server runs. They are in the state file, and come
 * back at each start; where the configuration file names the same, it wins ({@link
 * org.anabranch.server.base.MadeAtRunTime}).
 *
 * <pre>
 *   RuntimeVolumes     create, remove, rename
 *   VolumeCopy         a new volume that is being filled from a snapshot
 *   NewVolume          what a new volume is to be, and what is refused
 *   NewImage           the steps that make an image
 *   VolumesOfStreams   what a start makes of streams that make a volume
 *   VolumeLeftovers    what a start does with what a crash left
 *   RuntimeLuns        add and remove
 *   EffectiveChange    the one way from what is served to what is to be served
 * </pre>
 */
@NullMarked
package org.anabranch.server.volumes;

import org.jspecify.annotations.NullMarked;
