// SPDX-License-Identifier: Apache-2.0

/** Tests of who uses what. */
@NullMarked
package org.anabranch.server.uses;

import org.jspecify.annotations.NullMarked;
