// SPDX-License-Identifier: Apache-2.0

/**
 * iSCSI PDUs as bytes (RFC 7143 11), and the TCP connections that carry them. The phase of a
 * connection interprets the PDUs; this package knows no logins, sessions or commands.
 *
 * <pre>
 *   bytes of a connection into PDUs, digests     PduDecoder
 *   the PDU that is being received               Pdu; ScsiCommandHeader, DataOutHeader
 *   headers, digests and pads of what is sent    PduEncoder
 *   residual count and its bits                  Residual
 *   StatSN, pauses, the end of a connection      Connection
 *   the memory that a socket is read into        ReceiveBuffers
 *   a peer that does not read                    SendQueue
 *   a peer that does not finish what it sends    ReceiveTimeout
 * </pre>
 *
 * The decoder buffers only the header and passes each piece of a data segment on, so the lengths
 * that a peer claims cost no memory. The phase reserves the memory for data before it provides a
 * buffer.
 *
 * <p>PDUs off the hot path are written and read by {@code org.anabranch.jscsi}.
 */
@NullMarked
package org.anabranch.iscsi.wire;

import org.jspecify.annotations.NullMarked;
