// SPDX-License-Identifier: Apache-2.0

/**
 * Workloads for a target: random reads and writes that are verified sector by sector, and loads
 * that measure speed.
 */
@NullMarked
package org.anabranch.initiator.workload;

import org.jspecify.annotations.NullMarked;
