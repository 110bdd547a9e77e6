// SPDX-License-Identifier: Apache-2.0

/** jSCSI as an oracle, and its own server over our devices. */
@NullMarked
package org.anabranch.jscsi;

import org.jspecify.annotations.NullMarked;
