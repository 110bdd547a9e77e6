// SPDX-License-Identifier: Apache-2.0

/**
 * The configuration: validated, immutable records, of which {@link
 * org.anabranch.config.Configuration} has all. {@code reference.conf} beside them documents every
 * key; {@code org.anabranch.config.reader} reads files into them.
 */
@NullMarked
package org.anabranch.config;

import org.jspecify.annotations.NullMarked;
