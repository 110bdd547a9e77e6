// SPDX-License-Identifier: Apache-2.0

/** What every part of the server may use and what uses none of them. */
@NullMarked
package org.anabranch.server.base;

import org.jspecify.annotations.NullMarked;
