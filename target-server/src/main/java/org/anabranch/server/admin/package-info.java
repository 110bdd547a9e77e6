// SPDX-License-Identifier: Apache-2.0

/**
 * Changes while the server runs: targets and their LUNs, reload, sizes, devices of {@code dm
 * create}.
 */
@NullMarked
package org.anabranch.server.admin;

import org.jspecify.annotations.NullMarked;
