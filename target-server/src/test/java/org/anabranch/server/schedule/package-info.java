// SPDX-License-Identifier: Apache-2.0

/** Tests of schedules under a clock of their own. */
@NullMarked
package org.anabranch.server.schedule;

import org.jspecify.annotations.NullMarked;
