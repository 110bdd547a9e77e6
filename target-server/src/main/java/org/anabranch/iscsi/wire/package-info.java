// SPDX-License-Identifier: Apache-2.0
/**
 * iSCSI PDUs as bytes (RFC 7143 11): what stands where, and how a connection's bytes are cut into
 * PDUs and put together again. It knows nothing of sessions and commands.
 *
 * <pre>
 *   bytes of a connection into PDUs, digests     PduDecoder
 *   the PDU that is being received               Pdu; ScsiCommandHeader, DataOutHeader
 *   headers, digests and pads of what is sent    PduEncoder
 *   residual count and its bits                  Residual
 * </pre>
 *
 * PDUs off the hot path are written and read by {@code org.anabranch.jscsi}.
 */
@NullMarked
package org.anabranch.iscsi.wire;

import org.jspecify.annotations.NullMarked;
