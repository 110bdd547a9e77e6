// SPDX-License-Identifier: Apache-2.0

/**
 * Snapshots as users make, merge and remove them at run time.
 *
 * <pre>
 *   what a user asks for                        Snapshots, MergeRequest
 *   the snapshots that there are                SnapshotRegistry, SnapshotDevices
 *   which merge is next, and those that run     Merges, MergeOrder, RunningMerges, MergeWatch
 *   merges that wait for initiators or a login  MergeWait, MergesAtLogin, NextLogins, Initiators
 *   what is done around changes                MergeHooks; base.Hooks
 *   stores, and how they grow                   Stores, StoreFile, StrayStores, KeptStores
 *   what is wrong with one                      SnapshotWarnings, Inspection
 *   what the volume's table must be             VolumeTable
 * </pre>
 */
@NullMarked
package org.anabranch.server.snapshots;

import org.jspecify.annotations.NullMarked;
