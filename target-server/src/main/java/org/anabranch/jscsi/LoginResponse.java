// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

/**
 * Login Response (RFC 7143 11.13), fields as in {@link LoginRequest}. Version 0 is the only one.
 *
 * @param next ignored without {@code transit}
 * @param tsih the request's; in the final response to a login that asks for a new session, the new
 *     one (11.13.3)
 */
public record LoginResponse(
    boolean transit,
    boolean continues,
    LoginStage current,
    LoginStage next,
    long isid,
    int tsih,
    int taskTag,
    int statSn,
    int expCmdSn,
    int maxCmdSn,
    LoginStatus status) {}
