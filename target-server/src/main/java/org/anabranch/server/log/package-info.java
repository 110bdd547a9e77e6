// SPDX-License-Identifier: Apache-2.0

/**
 * The log: one line an event, on standard error. Logback collects the events; what becomes of them
 * is here, since a server's log must never hold up its work.
 *
 * <pre>
 *   what is logged, and as what      Logging
 *   what repeats                     RepeatLimit: a few lines, then a count
 *   lines that wait to be written    LogQueue: bounded, counts what it drops; one thread writes
 *   the parts of a line              LogLine, Subject
 *   how a line looks                 LineFormat: PlainFormat, LogfmtFormat, JsonFormat
 *   where standard error leads       StandardError
 * </pre>
 */
@NullMarked
package org.anabranch.server.log;

import org.jspecify.annotations.NullMarked;
