// SPDX-License-Identifier: Apache-2.0

/** Fuzzing that is led by coverage. */
@NullMarked
package org.anabranch.fuzz.coverage;

import org.jspecify.annotations.NullMarked;
