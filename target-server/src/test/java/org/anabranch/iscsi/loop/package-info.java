// SPDX-License-Identifier: Apache-2.0

/** Loops on which calls hang. */
@NullMarked
package org.anabranch.iscsi.loop;

import org.jspecify.annotations.NullMarked;
