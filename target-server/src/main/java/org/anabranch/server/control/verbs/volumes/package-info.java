// SPDX-License-Identifier: Apache-2.0
/** The verbs for volumes that are made at run time; {@link VolumeVerbs} lists them. */
@NullMarked
package org.anabranch.server.control.verbs.volumes;

import org.jspecify.annotations.NullMarked;
