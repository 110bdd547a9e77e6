// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.count;

/** A latency that a layer measures, a constant of an enum. */
public interface Latency extends Described {}
