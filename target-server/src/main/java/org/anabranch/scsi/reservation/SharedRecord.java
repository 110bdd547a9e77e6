// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import java.io.IOException;

/**
 * Where several servers keep the persistent reservations of one logical unit, which they show
 * together: one text, which all of them read and change. A change takes effect only if nobody has
 * changed the text since it was read, so that no server overwrites what it does not know.
 *
 * <p>Target ports have names that all servers know, and a relative port identifier at each server.
 * Any thread; every method but {@link #later} may block.
 */
public interface SharedRecord {
  /** The text; empty when nobody was ever registered. */
  String read() throws IOException;

  /** Who may make a change. */
  enum Writer {
    /** The server that has the medium, and so judges commands that need it. */
    OWNER,
    /** Any server. */
    ANY
  }

  /** Whether this server has the medium. */
  boolean isOwner();

  /**
   * Changes the text, durably, if it is as expected.
   *
   * @return whether it was
   * @throws IOException when this is not a server that may change it, or when it is not known
   *     whether it was changed
   */
  boolean exchange(String expected, String text, Writer writer) throws IOException;

  /** The relative port identifier by which this server knows a target port. */
  int number(String targetPort) throws IOException;

  /** The name of a target port that has been given a number here. */
  String port(int number) throws IOException;

  /** What an operator can do about a text that cannot be read. */
  String remedy();

  /** Runs something soon, after all that was given before. Does not block. */
  void later(Runnable task);
}
