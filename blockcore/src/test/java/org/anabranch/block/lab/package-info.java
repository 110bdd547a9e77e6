// SPDX-License-Identifier: Apache-2.0
/**
 * Stores that go back and forth between this code and a Linux kernel, in the kernel lab ({@code
 * test-lab/}).
 */
@NullMarked
package org.anabranch.block.lab;

import org.jspecify.annotations.NullMarked;
