// SPDX-License-Identifier: Apache-2.0

/** The program: command line, life cycle, and the wiring of the layers below. */
@NullMarked
package org.anabranch.server;

import org.jspecify.annotations.NullMarked;
