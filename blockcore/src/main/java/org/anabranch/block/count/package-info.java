// SPDX-License-Identifier: Apache-2.0
/**
 * What every layer counts. A layer names its counters in an enum that implements {@link
 * org.anabranch.block.count.Counter}, and its latencies in one that implements {@link
 * org.anabranch.block.count.Latency}; each constant has its name and its words:
 *
 * <pre>{@code
 * public enum FileCounter implements Counter {
 *   READS("Reads that the file completed"),
 *   READ_BYTES("Bytes that these reads returned");
 *   ...
 * }
 *
 * private final Counters<FileCounter> counters = counts.counters(FileCounter.class);
 *
 * counters.increment(FileCounter.READS);
 * counters.add(FileCounter.READ_BYTES, bytes);
 * }</pre>
 *
 * <p>A thing that counts (a file, a mapped device, a logical unit, a session) has one {@link
 * org.anabranch.block.count.Counts}, to which each of its layers adds its enums. Statistics and
 * metrics walk over these and so show a new constant without another line of code. Counters never
 * go back as long as the thing lives; who wants a rate takes the difference of two readings.
 *
 * <p>Counting takes nanoseconds and no lock. A reading is not a snapshot: counters that belong
 * together may differ by what is under way.
 */
@NullMarked
package org.anabranch.block.count;

import org.jspecify.annotations.NullMarked;
