// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshots: the targets {@code snapshot-origin}, {@code snapshot} and {@code snapshot-merge}.
 *
 * <p>Which question is answered where:
 *
 * <table>
 * <caption>Files</caption>
 * <tr><td>{@link org.anabranch.block.snapshot.OriginTarget}</td>
 *     <td>what happens to a write to a volume that has snapshots?</td></tr>
 * <tr><td>{@link org.anabranch.block.snapshot.SnapshotTarget}</td>
 *     <td>what does a snapshot read as, and what happens to a write to it? what if it is full?</td></tr>
 * <tr><td>{@link org.anabranch.block.snapshot.MergeTarget}</td>
 *     <td>how is a volume rolled back while it is in use?</td></tr>
 * <tr><td>{@code MergeInterlock}</td>
 *     <td>what happens to a write that hits a chunk being merged?</td></tr>
 * <tr><td>{@code Merge}</td>
 *     <td>in which steps is a chunk merged, and what if one fails?</td></tr>
 * <tr><td>{@code PendingException}</td>
 *     <td>what happens between a first write to a chunk and its end?</td></tr>
 * <tr><td>{@code Handover}</td>
 *     <td>how does a store pass from one table to another?</td></tr>
 * <tr><td>{@code OriginGroup}</td>
 *     <td>who holds which lock?</td></tr>
 * </table>
 */
@NullMarked
package org.anabranch.block.snapshot;

import org.jspecify.annotations.NullMarked;
