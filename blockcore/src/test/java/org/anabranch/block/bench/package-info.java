// SPDX-License-Identifier: Apache-2.0
/** Measurements, run by {@code build/bench}; see {@code docs/performance.md}. None is a test. */
@NullMarked
package org.anabranch.block.bench;

import org.jspecify.annotations.NullMarked;
