// SPDX-License-Identifier: Apache-2.0

/**
 * The server as a whole: its parts ({@code ServerParts}), its start, reload and stop ({@code
 * Server}), its command and its signals.
 */
@NullMarked
package org.anabranch.server.serve;

import org.jspecify.annotations.NullMarked;
