// SPDX-License-Identifier: Apache-2.0

/** The layering and the house rules, held by tests. */
@NullMarked
package org.anabranch.style;

import org.jspecify.annotations.NullMarked;
