// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

/**
 * Login Request (RFC 7143 11.12).
 *
 * @param transit T: the initiator is ready to go from {@code current} to {@code next}
 * @param continues C: the text goes on in the next request
 * @param isid 48 bits
 * @param tsih 0 for a new session
 * @param connectionId 16 bits
 */
public record LoginRequest(
    boolean transit,
    boolean continues,
    LoginStage current,
    LoginStage next,
    int versionMax,
    int versionMin,
    long isid,
    int tsih,
    int taskTag,
    int connectionId,
    int cmdSn,
    int expStatSn) {}
