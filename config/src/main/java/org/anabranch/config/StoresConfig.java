// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import org.jspecify.annotations.Nullable;

/**
 * How the stores of snapshots grow. Sizes are bytes, whole multiples of 4096.
 *
 * @param autoextend whether they grow at all
 * @param threshold percent of a store that may be in use before it grows, 50 to 99
 * @param step by how much
 * @param limit how large one may become; 0: as large as it can need
 * @param warnBelow a warning is raised for a file system with less space left
 * @param pool the pool of Ceph that has the stores of volumes that are RBD images; null: they are
 *     files, as those of all other volumes
 */
public record StoresConfig(
    boolean autoextend,
    int threshold,
    long step,
    long limit,
    long warnBelow,
    @Nullable String pool) {}
