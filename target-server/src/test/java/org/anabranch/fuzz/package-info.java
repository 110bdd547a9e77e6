// SPDX-License-Identifier: Apache-2.0

/** Fuzzing with a corpus that is kept under version control. */
@NullMarked
package org.anabranch.fuzz;

import org.jspecify.annotations.NullMarked;
