// SPDX-License-Identifier: Apache-2.0

/** Tests of the server as a whole that need its insides. */
@NullMarked
package org.anabranch.server.serve;

import org.jspecify.annotations.NullMarked;
