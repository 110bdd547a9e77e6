// SPDX-License-Identifier: Apache-2.0

/** Tests of snapshots without a network. */
@NullMarked
package org.anabranch.server.snapshots;

import org.jspecify.annotations.NullMarked;
