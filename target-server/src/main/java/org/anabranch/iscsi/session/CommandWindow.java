// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import org.anabranch.iscsi.shares.DataMemory;
import org.anabranch.iscsi.wire.Pdu;

/**
 * The command window of a session (RFC 7143 4.2.2.1): ExpCmdSN, MaxCmdSN, and the memory behind
 * each place in it.
 *
 * <p>A place is a command that the initiator may send unasked. Each is backed by {@code placeBytes}
 * reserved in {@link DataMemory}, the most that such a command can send before it gets an R2T, so
 * that there is always memory for commands within the window. MaxCmdSN never goes back; a window is
 * narrowed by not opening again as commands end.
 *
 * <pre>
 *   at login                          {@value #BASE} places; fewer if memory is short and the initiator insists on a
 *                                     long FirstBurstLength; one always
 *   a command ends                    one place more, up to the queue depth
 *     while memory is scarce, or      one place fewer, down to {@value #BASE}: the memory goes to
 *     commands wait for theirs        other sessions
 * </pre>
 *
 * So sessions that send commands get wide windows, and idle sessions keep {@value #BASE} places.
 *
 * <pre>
 *   places == commands in flight + (MaxCmdSN - ExpCmdSN + 1)
 * </pre>
 *
 * Owned by the session's event loop.
 */
final class CommandWindow {
  /** How a CmdSN relates to the window. */
  enum Arrival {
    NEXT,
    OUTSIDE,
    GAP
  }

  /** Windows are not widened when less than this part of the memory is left. */
  private static final int SHARE = 8;

  /** Places of a session while there is memory, and the least that a window is narrowed to. */
  private static final int BASE = SessionTerms.PLACES;

  /** Commands marked for immediate delivery in flight at once: they stand outside the window. */
  private static final int MAX_IMMEDIATE = 8;

  private final DataMemory memory;
  private final DataMemory commandMemory;
  private final int placeBytes;
  private final int maxPlaces;
  private int places;
  private int expCmdSn;
  private int maxCmdSn;

  /** Commands that have a place, and those outside the window. */
  private int inFlight;

  private int immediate;
  private boolean closed;

  /**
   * Opens the window, see the class.
   *
   * @param memory for places
   * @param commandMemory for what commands need beyond their places; while a command waits for it,
   *     windows get narrower
   * @param placeBytes the most that a command brings unasked; 0 if nothing
   * @param keptPlaces places for which memory is kept for each session that may come
   * @throws OutOfMemoryException if there is no memory for a single place
   */
  CommandWindow(
      DataMemory memory,
      DataMemory commandMemory,
      int placeBytes,
      int keptPlaces,
      int maxPlaces,
      int firstCmdSn)
      throws OutOfMemoryException {
    this.memory = memory;
    this.commandMemory = commandMemory;
    this.placeBytes = placeBytes;
    this.maxPlaces = maxPlaces;
    // At most half of what is left, so that later sessions get some, too.
    long share = placeBytes == 0 ? maxPlaces : memory.spare() / 2 / placeBytes;
    int most = Math.min(BASE, maxPlaces);
    places = Math.clamp(share, Math.clamp(keptPlaces, 1, most), most);
    if (!memory.tryReserve((long) places * placeBytes)) {
      places = 1;
      if (!memory.tryReserve(placeBytes)) {
        throw new OutOfMemoryException();
      }
    }
    expCmdSn = firstCmdSn;
    maxCmdSn = firstCmdSn + places - 1;
  }

  /** No memory for even one command. */
  static final class OutOfMemoryException extends Exception {
    OutOfMemoryException() {
      super("no data memory left", null, false, false);
    }
  }

  int expCmdSn() {
    return expCmdSn;
  }

  int maxCmdSn() {
    return maxCmdSn;
  }

  int placeBytes() {
    return placeBytes;
  }

  Arrival classify(int cmdSn) {
    if (cmdSn == expCmdSn && maxCmdSn - cmdSn >= 0) {
      return Arrival.NEXT;
    }
    return cmdSn - expCmdSn < 0 || cmdSn - maxCmdSn > 0 ? Arrival.OUTSIDE : Arrival.GAP;
  }

  /** The command with ExpCmdSN has been received. It occupies a place until {@link #leave}. */
  void enter() {
    expCmdSn++;
    inFlight++;
  }

  /** Whether one more command marked for immediate delivery can be taken. */
  boolean takesImmediate() {
    return immediate < MAX_IMMEDIATE;
  }

  /** A command marked for immediate delivery is taken, until {@link #leaveImmediate}. */
  void enterImmediate() {
    immediate++;
  }

  void leaveImmediate() {
    immediate--;
  }

  /** A PDU that is not a SCSI command is accepted: its CmdSN is used up, and its place is free. */
  void pass(Pdu pdu) {
    if (!pdu.immediate()) {
      enter();
      leave();
    }
  }

  /**
   * Whether a command that was aborted before it came may still come. Then it counts as come (RFC
   * 7143 11.5.1): if it is the next one, its number is used up.
   *
   * @param cmdSn of the request that aborts it
   */
  boolean passMissing(int refCmdSn, int cmdSn) {
    boolean mayCome = refCmdSn - expCmdSn >= 0 && refCmdSn - maxCmdSn <= 0 && refCmdSn - cmdSn < 0;
    if (mayCome && refCmdSn == expCmdSn) {
      enter();
      leave();
    }
    return mayCome;
  }

  /** A command has ended: its place opens again, or the memory of the place is released. */
  void leave() {
    inFlight--;
    if (closed) {
      places--;
      memory.release(placeBytes);
      return;
    }
    boolean scarce = memory.spare() < memory.capacity() / SHARE || commandMemory.isContended();
    if (scarce && places > BASE) {
      places--;
      memory.release(placeBytes);
      return;
    }
    maxCmdSn++;
    boolean mayWiden = places < BASE ? memory.spare() >= placeBytes : !scarce;
    if (mayWiden && places < maxPlaces && memory.tryReserve(placeBytes)) {
      places++;
      maxCmdSn++;
    }
  }

  /**
   * The session is over: gives back the memory of all places but those of commands still in flight,
   * which give it back when they {@link #leave}.
   */
  void close() {
    closed = true;
    memory.release((long) (places - inFlight) * placeBytes);
    places = inFlight;
  }
}
