// SPDX-License-Identifier: Apache-2.0
/**
 * What a transport needs of SCSI, and the words that all of SCSI shares.
 *
 * <pre>
 *   TaskRouter              the way in: commands and task management functions
 *   Task, Status            one command from delivery to its status
 *   Nexus                   a session of an initiator port with a target port
 *   Sense, SenseCode        why a command failed, and its bytes on the wire
 * </pre>
 */
@NullMarked
package org.anabranch.scsi.api;

import org.jspecify.annotations.NullMarked;
