// SPDX-License-Identifier: Apache-2.0
/**
 * Which target types there are: the one place that knows them all. A new type is a package of its
 * own, with a target and its {@link org.anabranch.block.dm.TargetSpec}, and a line here.
 */
@NullMarked
package org.anabranch.block.targets;

import org.jspecify.annotations.NullMarked;
