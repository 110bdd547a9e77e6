// SPDX-License-Identifier: Apache-2.0

/**
 * Histories of what was written to disks and read from them, and whether they can be right. {@link
 * org.anabranch.initiator.history.HistoryHost} writes and reads at once, {@link
 * org.anabranch.initiator.history.Recorder} logs each start and each end, and {@link
 * org.anabranch.initiator.history.Checker} judges the log: while it grows, or afterwards.
 */
@NullMarked
package org.anabranch.initiator.history;

import org.jspecify.annotations.NullMarked;
