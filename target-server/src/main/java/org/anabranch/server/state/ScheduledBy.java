// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.time.Instant;

/**
 * Which run of which schedule made a snapshot.
 *
 * @param schedule its name
 * @param run the number of the run, from 1; a later run has a higher one, whatever the clock shows
 * @param due when the run was due
 */
public record ScheduledBy(String schedule, long run, Instant due) {}
