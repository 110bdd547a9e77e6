// SPDX-License-Identifier: Apache-2.0
/**
 * A client of the NBD protocol, so that whatever an NBD server exports can be a volume: a qcow2
 * file behind qemu-nbd, a disk of another machine, a plugin of nbdkit.
 *
 * <pre>
 *   NbdDevice        the block device: accepts requests, completes them, is closed
 *   NbdLink          keeps a connection up: connects again, sends, sends again what was not answered
 *   NbdConnection    one connection: requests out, replies in
 *   NbdNegotiation   the handshake before it (fixed newstyle), whose result is NbdTerms
 *   NbdRequest       one command on the wire, and the request of the block layer that it serves
 *   UnflushedWrites  what the server has acknowledged and may still lose
 * </pre>
 *
 * <p>The protocol is the one of "doc/proto.md" of the NBD project: fixed newstyle with {@code
 * NBD_OPT_GO}, structured replies where the server has them, the metadata context {@code
 * base:allocation}. Encrypted connections are not supported.
 */
@NullMarked
package org.anabranch.block.nbd;

import org.jspecify.annotations.NullMarked;
