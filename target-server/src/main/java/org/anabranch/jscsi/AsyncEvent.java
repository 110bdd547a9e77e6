// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

import org.jscsi.parser.asynchronous.AsynchronousMessageParser.AsyncEventCodes;

/** Events of an Asynchronous Message (RFC 7143 11.9.1). */
public enum AsyncEvent {
  SCSI(AsyncEventCodes.SCSI_ASYNCHRONOUS_EVENT),
  LOGOUT_REQUESTED(AsyncEventCodes.LOGOUT),
  CONNECTION_WILL_DROP(AsyncEventCodes.DROP_CONNECTION),
  SESSION_WILL_DROP(AsyncEventCodes.DROP_ALL_CONNECTIONS),
  NEGOTIATION_REQUESTED(AsyncEventCodes.PARAMETER_NEGOTIATION);

  private final byte code;

  AsyncEvent(AsyncEventCodes jscsi) {
    code = jscsi.value();
  }

  byte code() {
    return code;
  }
}
