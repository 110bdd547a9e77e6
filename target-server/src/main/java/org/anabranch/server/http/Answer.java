// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import java.nio.charset.StandardCharsets;

/**
 * What an address answers.
 *
 * @param status of HTTP
 * @param type its Content-Type
 * @param body not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Answer(int status, String type, byte[] body) {
  static final int OK = 200;
  private static final String TEXT = "text/plain; charset=utf-8";

  static Answer text(int status, String text) {
    return new Answer(status, TEXT, (text + "\n").getBytes(StandardCharsets.UTF_8));
  }

  static Answer json(String json) {
    return new Answer(OK, "application/json", json.getBytes(StandardCharsets.UTF_8));
  }
}
