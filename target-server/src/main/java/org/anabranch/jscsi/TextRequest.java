// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

/**
 * Text Request (RFC 7143 11.10).
 *
 * @param isFinal F: the initiator has no more to say in this exchange
 * @param continues C: the text goes on in the next request
 * @param transferTag 0xffffffff to begin an exchange, else the tag of the response it continues
 */
public record TextRequest(boolean isFinal, boolean continues, int taskTag, int transferTag) {}
