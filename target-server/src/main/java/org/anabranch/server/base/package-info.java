// SPDX-License-Identifier: Apache-2.0

/**
 * What every part of the server may use and what uses none of them: refusals, warnings of {@code
 * status} (Warning, WarningSource), what is configured and served (LiveConfiguration), progress.
 */
@NullMarked
package org.anabranch.server.base;

import org.jspecify.annotations.NullMarked;
