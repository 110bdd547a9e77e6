// SPDX-License-Identifier: Apache-2.0
/**
 * Metrics, health and a status page over HTTP, for reading only: {@code http { listen }} in the
 * configuration. {@link org.anabranch.server.http.StatusServer} has the addresses, {@link
 * org.anabranch.server.http.Metrics} turns what is counted into Prometheus's families. The page is
 * three files in the resources; it reads the same JSON as {@code status} and {@code stats}.
 */
@NullMarked
package org.anabranch.server.http;

import org.jspecify.annotations.NullMarked;
