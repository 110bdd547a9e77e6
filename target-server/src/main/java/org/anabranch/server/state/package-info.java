// SPDX-License-Identifier: Apache-2.0

/** What the server must remember over restarts and crashes, in the state directory. */
@NullMarked
package org.anabranch.server.state;

import org.jspecify.annotations.NullMarked;
