// SPDX-License-Identifier: Apache-2.0

/**
 * Work for a target to do: random reads and writes whose every sector is checked against its
 * history, and loads that measure speed.
 */
@NullMarked
package org.anabranch.initiator.workload;

import org.jspecify.annotations.NullMarked;
