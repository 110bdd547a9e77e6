// SPDX-License-Identifier: Apache-2.0

/**
 * An iSCSI server under test, and initiators that may do anything. The tests of login, session and
 * server use them, mostly over real connections.
 */
@NullMarked
package org.anabranch.iscsi;

import org.jspecify.annotations.NullMarked;
