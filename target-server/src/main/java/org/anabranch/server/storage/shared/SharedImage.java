// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.shared;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * An image that several servers can serve, one at a time, and what belongs to it in the same
 * storage. Whoever is shut out of the image is shut out of all that, too: everything here that
 * changes something fails then, and so does what comes late.
 *
 * <p>Any thread; every call may wait. An {@link IOException} has a message of one line.
 */
public interface SharedImage {
  /** The snapshots and their stores, as text. */
  String STATE = "anabranch.state";

  /** Persistent reservations of a disk: followed by its identity. */
  String RESERVATIONS = "anabranch.reservations.";

  /** Rate limits that a command has set for the volume. */
  String LIMITS = "anabranch.limits";

  /** Stores that are invalid though they could not be marked so, one a line. */
  String INVALID_STORES = "anabranch.invalid-stores";

  /** Whether this server has the image now. */
  boolean isHere();

  /**
   * Lets the image carry the name of this server, which has it.
   *
   * @return whether another server had it before
   */
  boolean claim() throws IOException;

  /** A text that the image carries; empty if it carries none of this key. */
  String label(String key) throws IOException;

  /** Lets the image carry a text, durably. */
  void label(String key, String value) throws IOException;

  /** A text that the image carries, whichever server has it; empty if it carries none. */
  String look(String key) throws IOException;

  /**
   * Changes a text in one step, durably, whichever server has the image.
   *
   * @param expected what it is now; empty: also when there is none
   * @return whether it was as expected
   * @throws IOException when it is not known whether it was changed, too
   */
  boolean exchange(String key, String expected, String value) throws IOException;

  /**
   * The same by the server that has the image.
   *
   * @throws IOException also when this is not that server
   */
  boolean exchangeHere(String key, String expected, String value) throws IOException;

  /** What an operator does who gives up a text: a command of the storage. */
  String removal(String key);

  /**
   * The address of a store for a snapshot of the image; nothing is made.
   *
   * @param pool where stores are kept
   * @param name the snapshot's, and a number when that is taken
   */
  String store(String pool, String name);

  /** A store as all servers name it. */
  String common(String store);

  /** The address here of a store that all servers name so. */
  String address(String common);

  /** How many bytes a store has; -1 when there is none. */
  long bytes(String store) throws IOException;

  /** What a store begins with; fewer bytes where it is shorter. */
  ByteBuffer begin(String store, int bytes) throws IOException;

  /** Makes a store, which reads as zeros, durably. */
  void make(String store, long bytes) throws IOException;

  /** Deletes a store, durably; nothing happens when there is none. It must not be open. */
  void delete(String store) throws IOException;
}
