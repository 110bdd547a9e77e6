// SPDX-License-Identifier: Apache-2.0

/** Schedules of snapshots, as they are configured. */
@NullMarked
package org.anabranch.config.schedule;

import org.jspecify.annotations.NullMarked;
