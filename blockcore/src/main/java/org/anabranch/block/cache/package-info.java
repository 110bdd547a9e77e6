// SPDX-License-Identifier: Apache-2.0
/**
 * The write cache: writes that wait for a snapshot's copy or for a merge are acknowledged at once,
 * and the acknowledgement survives the death of the process.
 *
 * <pre>
 *   {@link org.anabranch.block.cache.WriteCache}  the layer above a mapped device: which writes are acknowledged early, and all order
 *   Order, CachedWrite    what is under way, and who waits for whom
 *   {@link org.anabranch.block.cache.Ring}        the format of the ring: segments and entries in memory that outlives the process
 *   RingPart, RingEntry   one device's part of the ring
 *   {@link org.anabranch.block.cache.RingFile}    a ring in a mapped file
 *   {@link org.anabranch.block.cache.Replay}      what had not reached a device when the process died
 *   {@link org.anabranch.block.cache.BootId}      the boot of the kernel that a ring is valid in
 * </pre>
 *
 * <p><b>What is promised.</b> A volatile write cache may acknowledge a write before it is durable,
 * if FLUSH and FUA are honoured. The page cache is such a cache: what was written to a file
 * survives {@code kill -9}, and not a power cut. The ring is a mapped file, so it lies in the page
 * cache too, and promises exactly the same. After the death of the process, in the same boot of the
 * kernel, the next process replays what had not reached the device, before anybody uses it. In
 * another boot the ring is discarded: its pages may be of any age, and so may those of the device.
 *
 * <p><b>A write's way.</b>
 *
 * <pre>
 *   does it wait below for a copy or a merge, or for an earlier entry?
 *     no:   it goes down as it is, and nothing else happens
 *     yes:  copied into the ring -> submitted below, from the copy -> committed -> acknowledged
 *                                                 |
 *                                 ended below -> marked as done in the ring -> entry forgotten
 * </pre>
 *
 * The question comes first ({@link org.anabranch.block.dm.Target#delaysWrite}), and the copy before
 * the submission: a buffer that was handed down can't be exchanged, since somebody may be reading
 * it, and the sender's is the sender's again with the acknowledgement. That a write has not ended
 * when {@code submit} returns would be no sign: the event loops make plain writes between two
 * turns.
 *
 * <p><b>States of an entry.</b>
 *
 * <pre>
 *   FREE --append--> WRITTEN --commit word--> ACKNOWLEDGED --ended below--> DONE --segment reused--> FREE
 *   replayed after a death:  no              yes                             no
 * </pre>
 *
 * What was not acknowledged is not replayed: nobody was promised anything, and the device might
 * refuse it.
 *
 * <p><b>Order.</b> Entries that overlap are submitted one after the other: the later one waits in
 * the ring, acknowledged, until the earlier one is done. Every other request that overlaps an entry
 * (read, FUA, discard, write of zeros, query) waits, not acknowledged, until those entries are done
 * that were there when it came. So the device holds an acknowledged write before anything that was
 * sent after its acknowledgement. A write of which nobody knows yet has no order. A FLUSH waits
 * until all entries before it are done, then flushes below.
 *
 * <p><b>Refusals.</b> A write that could still be refused below, such as by a snapshot whose store
 * is full, is not acknowledged early: {@link org.anabranch.block.dm.Target#hasAccepted} is asked
 * after the submission. Where that can happen at all, a write that waits in the ring for an earlier
 * one is not acknowledged either, until it has been submitted.
 *
 * <p><b>Locks.</b> Each cache has a {@link org.anabranch.block.DeferringLock} for its order and its
 * part of the ring. Under it only the ring's own lock is taken, for a free segment. No device is
 * asked anything under it.
 */
@NullMarked
package org.anabranch.block.cache;

import org.jspecify.annotations.NullMarked;
