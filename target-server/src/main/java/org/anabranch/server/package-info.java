// SPDX-License-Identifier: Apache-2.0

/**
 * The program's entry. A package uses packages above it in this list, and no two use each other, in
 * one step or in several.
 *
 * <pre>
 *   log            the log, on standard error
 *   systemd        what systemd is told, and its watchdog
 *   base           refusals, warnings, version, what is served without a configuration
 *   terminal       colours, tables and progress on a terminal
 *   state          files that survive a crash: state.json, reservations, the server's id
 *   storage        volumes and devices over backends; storage.file has files
 *   uses           who uses a volume, from a login until a logout
 *   snapshots      snapshots, their stores and their merges
 *   exports        backups of snapshots
 *   admin          targets, reload, sizes, devices made at run time
 *   control        the control socket
 *   imports        configurations of tgt and LIO, translated
 *   stats          all counters, and of what
 *   control.verbs  what can be asked through it; .snapshots and .dm have their own
 *   http           metrics, health, the status page
 *   serve          the server as a whole, {@code anabranch serve}
 *   cli            the commands that ask, or that need no server
 *   demo           {@code anabranch demo}
 * </pre>
 */
@NullMarked
package org.anabranch.server;

import org.jspecify.annotations.NullMarked;
