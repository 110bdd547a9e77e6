// SPDX-License-Identifier: Apache-2.0

/** The verbs {@code snapshot ...}, each in a file of its own, and the shapes that they share. */
@NullMarked
package org.anabranch.server.control.verbs.snapshots;

import org.jspecify.annotations.NullMarked;
