// SPDX-License-Identifier: Apache-2.0

/** The only package that sees jSCSI: its vocabulary, behind interfaces of our own. */
@NullMarked
package org.anabranch.jscsi;

import org.jspecify.annotations.NullMarked;
