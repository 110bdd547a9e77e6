// SPDX-License-Identifier: Apache-2.0

/**
 * Control at run time: a Unix socket in the state directory, and JSON lines over it.
 *
 * <pre>
 *   client                                     server
 *   {"protocol":1,"verb":"snapshot create","arguments":{...}}  -->
 *                                              &lt;--  {"progress":{...}}       any number
 *                                              &lt;--  {"result":{...}}  or  {"error":"one line"}
 * </pre>
 *
 * The socket and its bounds: ControlServer, Clients, Places, SocketPath, SocketGroup. A verb: Verb
 * and Call, in words by Doc, to and from JSON by RecordJson; who asked for it: Uid, Audit. The
 * other side: ControlClient.
 *
 * <p>One request a connection. Without {@code protocol} it is 1; a request with a higher number
 * than the server's is refused. Who may connect may do everything: the socket has mode 0600, or
 * with {@code control-group} 0660.
 */
@NullMarked
package org.anabranch.server.control;

import org.jspecify.annotations.NullMarked;
