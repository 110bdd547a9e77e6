// SPDX-License-Identifier: Apache-2.0

/**
 * The verbs {@code dm ...}: dmsetup's, each in a file of its own. Tables are text here, in
 * dmsetup's syntax; it is parsed and printed by {@code org.anabranch.block.dm}.
 */
@NullMarked
package org.anabranch.server.control.verbs.dm;

import org.jspecify.annotations.NullMarked;
