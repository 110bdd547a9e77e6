// SPDX-License-Identifier: Apache-2.0

/**
 * The verbs of the control socket. {@link Verbs} lists them; each is a class with its call, the
 * records of its arguments and its result, and its handler. Shapes that several results have are
 * named {@code ...Entry}. The verbs for snapshots and for {@code dm} are in packages below.
 */
@NullMarked
package org.anabranch.server.control.verbs;

import org.jspecify.annotations.NullMarked;
