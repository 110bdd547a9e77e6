// SPDX-License-Identifier: Apache-2.0

/** What can be asked through the control socket: each verb's arguments and result. */
@NullMarked
package org.anabranch.server.control.verbs;

import org.jspecify.annotations.NullMarked;
