// SPDX-License-Identifier: Apache-2.0
/**
 * Files and Linux block devices as {@link org.anabranch.block.BlockDevice}s: see {@link
 * org.anabranch.block.file.FileDevice}.
 */
@NullMarked
package org.anabranch.block.file;

import org.jspecify.annotations.NullMarked;
