// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

/** A counter of a layer, a constant of an enum. A name that ends with BYTES counts bytes. */
public interface Counter extends Described {}
