// SPDX-License-Identifier: Apache-2.0
/**
 * The list of all target types; no other package knows them all. A new type is a package of its own
 * with a target and its {@link org.anabranch.block.dm.TargetSpec}, and one line here.
 */
@NullMarked
package org.anabranch.block.targets;

import org.jspecify.annotations.NullMarked;
