// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

/**
 * NOP-Out (RFC 7143 11.18).
 *
 * @param taskTag 0xffffffff if no answer is wanted
 * @param transferTag 0xffffffff unless it answers a NOP-In
 */
public record NopOut(long lun, int taskTag, int transferTag) {}
