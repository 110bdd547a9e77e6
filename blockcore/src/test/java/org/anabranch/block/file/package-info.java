// SPDX-License-Identifier: Apache-2.0
/** Tests of files as devices. */
@NullMarked
package org.anabranch.block.file;

import org.jspecify.annotations.NullMarked;
