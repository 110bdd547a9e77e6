// SPDX-License-Identifier: Apache-2.0

/** The server as a whole: made, started, stopped; its command and its signals. */
@NullMarked
package org.anabranch.server.serve;

import org.jspecify.annotations.NullMarked;
