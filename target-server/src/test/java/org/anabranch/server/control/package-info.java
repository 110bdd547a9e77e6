// SPDX-License-Identifier: Apache-2.0

/** Tests of the control protocol's parts; those of the whole socket are in the package above. */
@NullMarked
package org.anabranch.server.control;

import org.jspecify.annotations.NullMarked;
