// SPDX-License-Identifier: Apache-2.0
/**
 * Measures the whole server from outside. {@link org.anabranch.bench.Benchmark}, run by
 * build/bench, puts the same loads on this server and others, or with and without snapshots, on
 * equal files and in {@link org.anabranch.bench.InterleavedRounds}. {@link
 * org.anabranch.bench.Bench} measures any target from the command line. The package prints results
 * and does not judge them.
 */
@NullMarked
package org.anabranch.bench;

import org.jspecify.annotations.NullMarked;
