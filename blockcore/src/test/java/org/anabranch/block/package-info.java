// SPDX-License-Identifier: Apache-2.0
/** Tests of what every device stands on. */
@NullMarked
package org.anabranch.block;

import org.jspecify.annotations.NullMarked;
