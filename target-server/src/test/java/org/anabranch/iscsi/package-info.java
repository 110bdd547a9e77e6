// SPDX-License-Identifier: Apache-2.0

/** The iSCSI server, mostly over real connections, with an initiator that may do anything. */
@NullMarked
package org.anabranch.iscsi;

import org.jspecify.annotations.NullMarked;
