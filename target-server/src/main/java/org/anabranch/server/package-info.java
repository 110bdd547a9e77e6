// SPDX-License-Identifier: Apache-2.0

/**
 * The program's entry. Each package below uses only packages above it in this list.
 *
 * <pre>
 *   log            the log, on standard error
 *   base           refusals, warnings, version, what is served without a configuration
 *   terminal       colours, tables and progress on a terminal
 *   state          files that survive a crash: state.json, reservations, the server's id
 *   storage        volumes and devices over files
 *   snapshots      snapshots, their stores and their merges
 *   exports        backups of snapshots
 *   admin          targets, reload, sizes, devices made at run time
 *   control        the control socket
 *   control.verbs  what can be asked through it
 *   cli            the commands that ask, or that need no server
 *   serve          the server as a whole, {@code anabranch serve}
 *   demo           {@code anabranch demo}
 * </pre>
 */
@NullMarked
package org.anabranch.server;

import org.jspecify.annotations.NullMarked;
