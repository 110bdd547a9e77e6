// SPDX-License-Identifier: Apache-2.0

/**
 * Which initiators use which volumes, from their first login to the logout of their own accord,
 * over lost connections, restarts and crashes. {@link org.anabranch.server.uses.Uses} has the
 * rules, {@link org.anabranch.server.uses.UseFile} keeps them on disk.
 */
@NullMarked
package org.anabranch.server.uses;

import org.jspecify.annotations.NullMarked;
