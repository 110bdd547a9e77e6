// SPDX-License-Identifier: Apache-2.0
/** Tests of the NBD client, with a server of the test's own that can misbehave. */
@NullMarked
package org.anabranch.block.nbd;

import org.jspecify.annotations.NullMarked;
