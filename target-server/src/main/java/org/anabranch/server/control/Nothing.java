// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

/** No arguments, no progress or no result: an empty JSON object. */
public record Nothing() {
  /** The only one that anybody needs. */
  public static final Nothing NOTHING = new Nothing();
}
