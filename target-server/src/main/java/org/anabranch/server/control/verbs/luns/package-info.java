// SPDX-License-Identifier: Apache-2.0
/** The verbs for LUNs; {@link LunVerbs} lists them. */
@NullMarked
package org.anabranch.server.control.verbs.luns;

import org.jspecify.annotations.NullMarked;
