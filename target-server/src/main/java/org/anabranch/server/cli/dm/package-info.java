// SPDX-License-Identifier: Apache-2.0

/** What {@code anabranch dm} prints, in the forms of dmsetup. */
@NullMarked
package org.anabranch.server.cli.dm;

import org.jspecify.annotations.NullMarked;
