// SPDX-License-Identifier: Apache-2.0

/** Snapshots in a user's hands: made, merged back and removed at run time, and remembered. */
@NullMarked
package org.anabranch.server.snapshots;

import org.jspecify.annotations.NullMarked;
