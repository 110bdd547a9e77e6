// SPDX-License-Identifier: Apache-2.0

/** Tests of what people see. */
@NullMarked
package org.anabranch.server.terminal;

import org.jspecify.annotations.NullMarked;
