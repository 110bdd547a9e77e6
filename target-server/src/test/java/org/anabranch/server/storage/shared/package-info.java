// SPDX-License-Identifier: Apache-2.0
/** Tests of what several servers share, without a cluster. */
@NullMarked
package org.anabranch.server.storage.shared;

import org.jspecify.annotations.NullMarked;
