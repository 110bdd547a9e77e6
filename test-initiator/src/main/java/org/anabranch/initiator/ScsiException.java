// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.io.IOException;

/** A command failed; the message has its status and sense data in words. */
public final class ScsiException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient Response response;

  public ScsiException(Response response) {
    super(response.describe());
    this.response = response;
  }

  public Response response() {
    return response;
  }

  /** Whether the sense data has this key, code and qualifier, the latter two as {@code 0x2900}. */
  public boolean is(int key, int code) {
    Sense sense = response.sense();
    return sense != null && sense.key() == key && sense.code() == code;
  }
}
