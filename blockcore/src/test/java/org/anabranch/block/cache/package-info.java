// SPDX-License-Identifier: Apache-2.0
/** The write cache: its ring after deaths of all kinds, and what it acknowledges in which order. */
@NullMarked
package org.anabranch.block.cache;

import org.jspecify.annotations.NullMarked;
