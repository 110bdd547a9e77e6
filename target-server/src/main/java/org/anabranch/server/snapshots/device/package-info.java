// SPDX-License-Identifier: Apache-2.0
/**
 * The snapshots that there are: their entries in the state file, their devices, their stores.
 *
 * <pre>
 *   entries in the state file               SnapshotRegistry
 *   devices in the block layer              SnapshotDevices; VolumeTable says what the volume's table
 *                                           must be before they change
 *   stores, and how they grow               Stores; KeptStores for a merge that keeps its snapshot
 *   who reads one, who uses one             Readers, Initiators
 *   what a start would leave out            Inspection
 * </pre>
 */
@NullMarked
package org.anabranch.server.snapshots.device;

import org.jspecify.annotations.NullMarked;
