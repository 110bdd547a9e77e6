// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The ring of the write caches.
 *
 * @param size bytes for all LUNs together, a whole multiple of 1 MiB; 0: no write is cached
 * @param path the ring's file, absolute; null: the file {@code write-cache} of the state directory
 */
public record WriteCacheConfig(long size, @Nullable Path path) {}
