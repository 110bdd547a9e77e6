// SPDX-License-Identifier: Apache-2.0

/**
 * Snapshots that are taken again and again, and removed when there are more than are to be kept.
 *
 * <pre>
 *   when each schedule is due, and what becomes of missed runs   Schedules, Recurrence
 *   one run: which snapshots are taken, which are removed        ScheduleRun
 *   what is remembered of each schedule                          ScheduleHistory, ScheduleFile
 *   what can be seen of one                                      ScheduleStatus
 *   the timer                                                    Alarm
 * </pre>
 */
@NullMarked
package org.anabranch.server.schedule;

import org.jspecify.annotations.NullMarked;
