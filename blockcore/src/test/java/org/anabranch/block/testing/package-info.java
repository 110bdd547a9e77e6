// SPDX-License-Identifier: Apache-2.0
/**
 * What tests of every module share. {@link org.anabranch.block.testing.TestDevice} is the device
 * below the code under test, and {@link org.anabranch.block.testing.FilterDevice} a device on top
 * of another one. {@link org.anabranch.block.testing.Await} waits for something that another thread
 * or process does, with a deadline.
 */
@NullMarked
package org.anabranch.block.testing;

import org.jspecify.annotations.NullMarked;
