// SPDX-License-Identifier: Apache-2.0

/** Tests of changes while the server runs. */
@NullMarked
package org.anabranch.server.admin;

import org.jspecify.annotations.NullMarked;
