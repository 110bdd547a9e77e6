// SPDX-License-Identifier: Apache-2.0

/** Tests of the import of others' configurations. */
@NullMarked
package org.anabranch.server.imports;

import org.jspecify.annotations.NullMarked;
