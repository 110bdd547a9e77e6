// SPDX-License-Identifier: Apache-2.0
/**
 * The write caches of a server: {@link org.anabranch.server.cache.WriteCaches} has the ring's file,
 * puts a cache between a LUN and its device, and decides what becomes of writes that a process
 * before this one has left in the ring. {@code org.anabranch.block.cache} has the caches themselves.
 */
@NullMarked
package org.anabranch.server.cache;

import org.jspecify.annotations.NullMarked;
