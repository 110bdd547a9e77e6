// SPDX-License-Identifier: Apache-2.0

/**
 * Control at run time: a Unix socket in the state directory, JSON lines over it, and the commands
 * that use it.
 *
 * <pre>
 *   client                                     server
 *   {"protocol":1,"verb":"snapshot create","arguments":{...}}  -->
 *                                              &lt;--  {"progress":{...}}       any number
 *                                              &lt;--  {"result":{...}}  or  {"error":"one line"}
 * </pre>
 *
 * One request a connection. Without {@code protocol} it is 1; a request with a higher number than
 * the server's is refused. Who may connect may do everything: the socket has mode 0600.
 */
@NullMarked
package org.anabranch.server.control;

import org.jspecify.annotations.NullMarked;
