// SPDX-License-Identifier: Apache-2.0

/** The configuration: one HOCON file, read into validated, immutable records. */
@NullMarked
package org.anabranch.config;

import org.jspecify.annotations.NullMarked;
