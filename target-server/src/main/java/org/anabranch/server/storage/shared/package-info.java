// SPDX-License-Identifier: Apache-2.0
/**
 * What the image of a volume is asked for that several servers can serve, one at a time: texts that
 * it carries, and stores of snapshots beside it.
 */
@NullMarked
package org.anabranch.server.storage.shared;

import org.jspecify.annotations.NullMarked;
