// SPDX-License-Identifier: Apache-2.0
/** The verbs for schedules of snapshots; {@link ScheduleVerbs} lists them. */
@NullMarked
package org.anabranch.server.control.verbs.schedules;

import org.jspecify.annotations.NullMarked;
