// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a backend finds out about an image, to tell whether it is the one that was served before.
 *
 * @param bytes its length
 * @param id where it is kept: equal for the same image at different times, as long as nobody moves
 *     it, and no other backend has equal ones; empty when the image is known by its length alone
 * @param mark the volume that it says it belongs to; null when it says nothing
 * @param markable whether it can carry a mark at all
 */
public record ImageFacts(long bytes, String id, @Nullable UUID mark, boolean markable) {}
