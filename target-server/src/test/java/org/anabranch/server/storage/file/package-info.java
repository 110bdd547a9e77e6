// SPDX-License-Identifier: Apache-2.0

/** Tests of images that are files. */
@NullMarked
package org.anabranch.server.storage.file;

import org.jspecify.annotations.NullMarked;
