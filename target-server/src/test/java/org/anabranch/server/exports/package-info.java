// SPDX-License-Identifier: Apache-2.0

/** Tests of exports and imports. */
@NullMarked
package org.anabranch.server.exports;

import org.jspecify.annotations.NullMarked;
