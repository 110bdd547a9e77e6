// SPDX-License-Identifier: Apache-2.0
/**
 * The implementation of snapshots. An origin, its snapshots and its merge form a group. This
 * package has the targets {@code snapshot-origin}, {@code snapshot} and {@code snapshot-merge} and
 * what they share.
 *
 * <table>
 * <caption>Files</caption>
 * <tr><td>{@code OriginTarget}</td>
 *     <td>what happens to a write to a volume that has snapshots?</td></tr>
 * <tr><td>{@code SnapshotTarget}</td>
 *     <td>what does a snapshot read as, what happens to a write to it, and what if it is full?</td></tr>
 * <tr><td>{@code MergeTarget}</td>
 *     <td>how is a volume rolled back while it is in use?</td></tr>
 * <tr><td>{@code MergeInterlock}</td>
 *     <td>what happens to a write that hits a chunk being merged?</td></tr>
 * <tr><td>{@code Merge}, {@code MergePace}</td>
 *     <td>in which steps is a chunk merged, how fast, and what if a step fails?</td></tr>
 * <tr><td>{@code MergedOrigin}</td>
 *     <td>how does a volume keep the snapshot that it is rolled back to?</td></tr>
 * <tr><td>{@code PendingException}</td>
 *     <td>what happens between the first write to a chunk and its completion?</td></tr>
 * <tr><td>{@code Handover}</td>
 *     <td>how does a store pass from one table to another?</td></tr>
 * <tr><td>{@code OriginGroup}</td>
 *     <td>which lock guards what?</td></tr>
 * <tr><td>{@code Copier}, {@code CopySlots}, {@code BufferPool}</td>
 *     <td>how is a chunk copied, and how many at once?</td></tr>
 * </table>
 */
@NullMarked
package org.anabranch.block.snapshot.group;

import org.jspecify.annotations.NullMarked;
