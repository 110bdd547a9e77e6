// SPDX-License-Identifier: Apache-2.0

/** An asynchronous iSCSI initiator that can send any PDU, correct or malformed. */
@NullMarked
package org.anabranch.initiator;

import org.jspecify.annotations.NullMarked;
