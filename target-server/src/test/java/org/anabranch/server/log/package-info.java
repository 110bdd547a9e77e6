// SPDX-License-Identifier: Apache-2.0

/** Tests of the log. */
@NullMarked
package org.anabranch.server.log;

import org.jspecify.annotations.NullMarked;
