// SPDX-License-Identifier: Apache-2.0

/**
 * A server under load that hosts record, while volumes change and everything dies: see {@link
 * org.anabranch.server.history.HistoryKillTest}. {@link
 * org.anabranch.server.history.RecordedServer} has the hosts, {@link
 * org.anabranch.server.history.RecordedVolumes} what control commands change.
 */
@NullMarked
package org.anabranch.server.history;

import org.jspecify.annotations.NullMarked;
