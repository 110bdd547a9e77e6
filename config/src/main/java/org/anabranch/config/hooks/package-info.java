// SPDX-License-Identifier: Apache-2.0

/** Programs of the administrator that run around changes of volumes, as they are configured. */
@NullMarked
package org.anabranch.config.hooks;

import org.jspecify.annotations.NullMarked;
