// SPDX-License-Identifier: Apache-2.0

/** The commands that ask a running server through its control socket, or need none. */
@NullMarked
package org.anabranch.server.cli;

import org.jspecify.annotations.NullMarked;
