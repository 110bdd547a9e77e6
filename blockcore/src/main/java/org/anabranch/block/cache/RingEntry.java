// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.cache;

import java.nio.ByteBuffer;

/**
 * An entry of a {@link RingPart}.
 *
 * @param offset bytes from the begin of its segment
 * @param data the copy, valid until the entry is done
 */
record RingEntry(RingPart.Segment segment, long offset, ByteBuffer data) {}
