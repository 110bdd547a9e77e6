// SPDX-License-Identifier: Apache-2.0

/** Tests of what a service manager hears. */
@NullMarked
package org.anabranch.server.systemd;

import org.jspecify.annotations.NullMarked;
