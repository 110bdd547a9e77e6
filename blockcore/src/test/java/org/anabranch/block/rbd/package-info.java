// SPDX-License-Identifier: Apache-2.0
/** Tests of devices of RBD images, with a Ceph of the tests' own. */
@NullMarked
package org.anabranch.block.rbd;

import org.jspecify.annotations.NullMarked;
