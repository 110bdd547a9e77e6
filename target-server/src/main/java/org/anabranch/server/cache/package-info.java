// SPDX-License-Identifier: Apache-2.0
/**
 * The write caches of a server. {@link org.anabranch.server.cache.WriteCaches} owns the ring's
 * file, puts a cache between a LUN and its device, lets the caches rest during changes, and decides
 * what happens to writes that an earlier process has left in the ring. The caches themselves are in
 * {@code org.anabranch.block.cache}.
 */
@NullMarked
package org.anabranch.server.cache;

import org.jspecify.annotations.NullMarked;
