// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes that initiators and targets exchange: fields of CDBs and parameter lists, the identity of a
 * unit and its designators, TransportIDs. {@link org.anabranch.scsi.data.CheckCondition} is thrown
 * where they are wrong.
 */
@NullMarked
package org.anabranch.scsi.data;

import org.jspecify.annotations.NullMarked;
