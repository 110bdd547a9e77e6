// SPDX-License-Identifier: Apache-2.0

/** Tests of the state directory. */
@NullMarked
package org.anabranch.server.state;

import org.jspecify.annotations.NullMarked;
