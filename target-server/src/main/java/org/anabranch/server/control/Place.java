// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

/** What a request occupies while it is at work. Each user has his own places of each kind. */
public enum Place {
  /** A command that ends soon. */
  COMMAND,

  /** One that waits for something, or takes long; it must not keep others from working. */
  WAITING,

  /** {@code status}: whoever wants to know what is wrong can always ask. */
  STATUS
}
