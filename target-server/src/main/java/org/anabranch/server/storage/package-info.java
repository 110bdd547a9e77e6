// SPDX-License-Identifier: Apache-2.0

/** Volumes and devices of a configuration, as mapped devices over files. */
@NullMarked
package org.anabranch.server.storage;

import org.jspecify.annotations.NullMarked;
