// SPDX-License-Identifier: Apache-2.0
/** The rate limits of volumes, over the control socket. */
@NullMarked
package org.anabranch.server.control.verbs.rates;

import org.jspecify.annotations.NullMarked;
