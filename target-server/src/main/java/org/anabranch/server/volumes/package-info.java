// SPDX-License-Identifier: Apache-2.0
/**
 * Volumes and LUNs that commands make while the server runs. They are in the state file, and come
 * back at each start; where the configuration file names the same, it wins ({@link
 * org.anabranch.server.base.MadeAtRunTime}).
 *
 * <pre>
 *   RuntimeVolumes     create, remove, rename: what the verbs ask for
 *   MadeVolumes        the names of volumes that commands have made
 *   NewVolume          what a new volume is to be, and what is refused
 *   VolumePlans        its entry in the state file; what is refused because of what there is
 *   NewImage           the steps that make an image
 *   VolumeCreation     the last steps of a new volume, and the way back
 *   VolumeCopies       new volumes that are being filled from snapshots; VolumeCopy is one
 *   VolumeRemoval      the steps that take a volume away
 *   VolumeRename       the steps that give it another name
 *   VolumeLimitChange  the rate limits that commands set
 *   VolumesOfStreams   what a start makes of streams that make a volume
 *   VolumeLeftovers    what a start does with what a crash left
 *   RuntimeLuns        add and remove
 *   EffectiveChange    the one way from what is served to what is to be served
 * </pre>
 */
@NullMarked
package org.anabranch.server.volumes;

import org.jspecify.annotations.NullMarked;
