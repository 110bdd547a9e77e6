// SPDX-License-Identifier: Apache-2.0
/**
 * What a server has counted, read from where it is counted. The {@code stats} verb, the metrics and
 * the status page are views of {@link org.anabranch.server.stats.Statistics}; nothing is kept here.
 */
@NullMarked
package org.anabranch.server.stats;

import org.jspecify.annotations.NullMarked;
