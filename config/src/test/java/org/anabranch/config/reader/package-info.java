// SPDX-License-Identifier: Apache-2.0

/** Tests of the configuration. */
@NullMarked
package org.anabranch.config.reader;

import org.jspecify.annotations.NullMarked;
