// SPDX-License-Identifier: Apache-2.0

/** What people see: colours and progress on a terminal, plain lines elsewhere. */
@NullMarked
package org.anabranch.server.terminal;

import org.jspecify.annotations.NullMarked;
