// SPDX-License-Identifier: Apache-2.0

/**
 * What the peers of a server share, and how much of it each may have. Nobody can use up what others
 * need, whatever it sends or does not send.
 *
 * <pre>
 *   the addresses that count as one peer         AddressBlock
 *   places before login, discovery sessions      SharedPlaces
 *   PDUs that are no work, for each session      TokenBucket
 *   logins of an address                         LoginPace
 *   answers that wait for peers to read          UnsentBytes
 *   memory for the data of commands              DataMemory
 * </pre>
 *
 * Nothing here knows PDUs, logins or sessions.
 */
@NullMarked
package org.anabranch.iscsi.shares;

import org.jspecify.annotations.NullMarked;
