// SPDX-License-Identifier: Apache-2.0
/** Commands for what commands have made, and for what the server must remember. */
@NullMarked
package org.anabranch.server.cli.state;

import org.jspecify.annotations.NullMarked;
