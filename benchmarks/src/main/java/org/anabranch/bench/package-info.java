// SPDX-License-Identifier: Apache-2.0
/**
 * Measures the whole server from outside. {@link org.anabranch.bench.Benchmark} is what build/bench
 * runs: the same loads on this server and on others, or with and without snapshots, on equal files
 * and in {@link org.anabranch.bench.InterleavedRounds}. {@link org.anabranch.bench.Bench} measures
 * any target from the command line. It prints figures and judges nothing.
 */
@NullMarked
package org.anabranch.bench;

import org.jspecify.annotations.NullMarked;
