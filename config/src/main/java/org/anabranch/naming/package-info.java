// SPDX-License-Identifier: Apache-2.0

/**
 * Names of initiators and targets, and which of them an administrator means: one judgement for the
 * configuration, login, discovery, LUN masks and persistent reservations.
 *
 * <pre>
 *   is this a name? are these two the same?   IscsiName, Stringprep
 *   initiators = [...]                        InitiatorPattern
 *   addresses = [...]                         AddressRange
 *   both together                             AccessList
 *   advertise = [...]                         AdvertisedAddress
 *   text of strangers, for logs and terminals PrintableText
 * </pre>
 *
 * Depends on nothing, so that every layer above may use it.
 */
@NullMarked
package org.anabranch.naming;

import org.jspecify.annotations.NullMarked;
