// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshots as other code sees them: their rows in tables, and handles for their devices.
 *
 * <table>
 * <caption>Files</caption>
 * <tr><td>{@link org.anabranch.block.snapshot.OriginSpec}, {@link
 *     org.anabranch.block.snapshot.SnapshotSpec}, {@link org.anabranch.block.snapshot.MergeSpec}</td>
 *     <td>rows of a {@link org.anabranch.block.dm.TableSpec}: a volume with snapshots, a snapshot,
 *     and a volume that is being rolled back to a snapshot</td></tr>
 * <tr><td>{@link org.anabranch.block.snapshot.SnapshotHandle}, {@link
 *     org.anabranch.block.snapshot.MergeHandle}, {@link org.anabranch.block.snapshot.OriginHandle}</td>
 *     <td>the handles of these devices</td></tr>
 * <tr><td>{@link org.anabranch.block.snapshot.SnapshotStatus}, {@link
 *     org.anabranch.block.snapshot.MergeProgress}, {@link
 *     org.anabranch.block.snapshot.ChangedChunks}</td>
 *     <td>the values that handles return</td></tr>
 * <tr><td>{@link org.anabranch.block.snapshot.Bounds}, {@link
 *     org.anabranch.block.snapshot.InvalidStores}</td>
 *     <td>what the owner of the target types configures</td></tr>
 * </table>
 *
 * The targets are in {@code org.anabranch.block.snapshot.group}.
 */
@NullMarked
package org.anabranch.block.snapshot;

import org.jspecify.annotations.NullMarked;
