// SPDX-License-Identifier: Apache-2.0
/** Where the images of volumes are kept: one kind of source for each backend of the server. */
@NullMarked
package org.anabranch.config.source;

import org.jspecify.annotations.NullMarked;
