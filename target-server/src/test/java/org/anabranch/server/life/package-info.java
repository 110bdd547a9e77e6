// SPDX-License-Identifier: Apache-2.0
/**
 * Histories of a whole server's life, by seed: volumes and snapshots that are made, written, rolled
 * back, renamed and removed, with kills and power cuts before any step that changes a file.
 */
@org.jspecify.annotations.NullMarked
package org.anabranch.server.life;
