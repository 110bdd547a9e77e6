// SPDX-License-Identifier: Apache-2.0
/**
 * Logical units.
 *
 * <pre>
 *   LogicalUnit             a block device with the state that SCSI adds to it
 *   UnitRegistry, UnitView  one unit for each device, by however many paths
 *   TaskSet, UnitTask       which task may run when; how tasks are aborted
 *   TaskPace                where tasks wait for rate limits
 *   Admission, Command      whether a command may run; what is known of each command
 *   UnitAttentions          what a unit owes to each nexus
 *   RangeLocks              what writes at once, and what excludes writes
 *   Sanitizer               SANITIZE and FORMAT UNIT at work
 *   ModePages, Medium       mode pages; whether the medium is there
 *   IoSequence              several Ios of one command
 * </pre>
 *
 * The unit knows no command by name: it is given a {@link org.anabranch.scsi.unit.CommandSet}, and
 * what a family of commands keeps for each unit is a {@link org.anabranch.scsi.unit.UnitPart}.
 */
@NullMarked
package org.anabranch.scsi.unit;

import org.jspecify.annotations.NullMarked;
