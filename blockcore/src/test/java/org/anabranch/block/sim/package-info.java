// SPDX-License-Identifier: Apache-2.0
/**
 * A deterministic simulator: the real block layer on a clock, an executor and disks that one seed
 * decides.
 *
 * <pre>
 *   {@link org.anabranch.block.sim.SimScheduler}   one thread, virtual time, seeded order; finds stuck waits; cuts the power
 *   {@link org.anabranch.block.sim.SimDisk}        volatile cache, flush, FUA; what a power cut leaves of it
 *   {@link org.anabranch.block.sim.FaultDevice}    fails the Nth request, once or for ever
 *   {@link org.anabranch.block.sim.Choices}        walks through every answer of a program that asks
 * </pre>
 *
 * <p>Nothing here reads a real clock, a hash code of identity or another thread: the same seed
 * gives the same run to the letter. {@code mvn -pl blockcore test -Dsim.seed=N} replays one and
 * prints what it did.
 */
@NullMarked
package org.anabranch.block.sim;

import org.jspecify.annotations.NullMarked;
