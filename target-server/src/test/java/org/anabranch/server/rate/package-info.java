// SPDX-License-Identifier: Apache-2.0
/** Tests of rate limits. */
@NullMarked
package org.anabranch.server.rate;

import org.jspecify.annotations.NullMarked;
