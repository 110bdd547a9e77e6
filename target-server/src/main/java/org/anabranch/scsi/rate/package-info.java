// SPDX-License-Identifier: Apache-2.0
/**
 * Rate limits of logical units: how many commands a second read or write, and how many bytes.
 *
 * <pre>
 *   session          TargetDevice       LogicalUnit        RateLimiter
 *   prepare  ----------->  ------------->  enters the task set
 *   pace     ----------->  ------------->  ------------->  may go on: the session reserves memory,
 *                                                          collects data, and executes the task
 *                                                          must wait: in the queue of its session
 *   paced    <-----------  <-------------  <-------------  its turn has come; an abort ends it here
 * </pre>
 *
 * Only the logical unit knows both the I_T nexus of a command, for which the limit is fair, and its
 * device. A block device below does not know the nexus, and has requests of the server's own:
 * copies for snapshots and merges, which are not limited. A command waits before memory is reserved
 * for its data, so that a volume with a low limit takes no memory from others.
 */
@NullMarked
package org.anabranch.scsi.rate;

import org.jspecify.annotations.NullMarked;
