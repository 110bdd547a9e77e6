// SPDX-License-Identifier: Apache-2.0

/** An asynchronous iSCSI initiator that can send any PDU, right or wrong. */
@NullMarked
package org.anabranch.initiator;

import org.jspecify.annotations.NullMarked;
