// SPDX-License-Identifier: Apache-2.0

/** Tests of volumes and devices over files. */
@NullMarked
package org.anabranch.server.storage;

import org.jspecify.annotations.NullMarked;
