// SPDX-License-Identifier: Apache-2.0
/** Tests of mapped devices, and a disk for them that ends requests when it is told to. */
@NullMarked
package org.anabranch.block.dm;

import org.jspecify.annotations.NullMarked;
