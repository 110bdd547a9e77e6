// SPDX-License-Identifier: Apache-2.0

/**
 * iSCSI PDUs as bytes (RFC 7143 11), and the TCP connections that carry them. What a PDU means is
 * up to the connection's phase; this package knows nothing of logins, sessions and commands.
 *
 * <pre>
 *   bytes of a connection into PDUs, digests     PduDecoder
 *   the PDU that is being received               Pdu; ScsiCommandHeader, DataOutHeader
 *   headers, digests and pads of what is sent    PduEncoder
 *   residual count and its bits                  Residual
 *   StatSN, pauses, the end of a connection      Connection
 *   the memory that a socket is read into        ReceiveBuffers
 *   a peer that never reads                      SendTimeout
 * </pre>
 *
 * The decoder accumulates nothing: it keeps 48 bytes of header (and its extension) and moves each
 * piece of a data segment to where it belongs, so a length that a peer claims takes no memory. The
 * phase that says where it belongs has reserved the memory before.
 *
 * <p>PDUs off the hot path are written and read by {@code org.anabranch.jscsi}.
 */
@NullMarked
package org.anabranch.iscsi.wire;

import org.jspecify.annotations.NullMarked;
