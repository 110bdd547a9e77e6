// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshots as code sees them: what a table says of one, and what can be asked of it.
 *
 * <table>
 * <caption>Files</caption>
 * <tr><td>{@link org.anabranch.block.snapshot.OriginSpec}, {@link
 *     org.anabranch.block.snapshot.SnapshotSpec}, {@link org.anabranch.block.snapshot.MergeSpec}</td>
 *     <td>a volume that has snapshots, a snapshot, and a volume that is rolled back to one, as rows
 *     of a {@link org.anabranch.block.dm.TableSpec}</td></tr>
 * <tr><td>{@link org.anabranch.block.snapshot.SnapshotHandle}, {@link
 *     org.anabranch.block.snapshot.MergeHandle}, {@link org.anabranch.block.snapshot.OriginHandle}</td>
 *     <td>what their devices can be asked and told</td></tr>
 * <tr><td>{@link org.anabranch.block.snapshot.SnapshotStatus}, {@link
 *     org.anabranch.block.snapshot.MergeProgress}, {@link
 *     org.anabranch.block.snapshot.ChangedChunks}</td>
 *     <td>the answers</td></tr>
 * <tr><td>{@link org.anabranch.block.snapshot.Bounds}, {@link
 *     org.anabranch.block.snapshot.InvalidStores}</td>
 *     <td>what the owner of the targets decides</td></tr>
 * </table>
 *
 * The targets themselves are in {@code org.anabranch.block.snapshot.group}.
 */
@NullMarked
package org.anabranch.block.snapshot;

import org.jspecify.annotations.NullMarked;
