// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import org.anabranch.iscsi.shares.DataMemory;
import org.anabranch.iscsi.wire.Pdu;

/**
 * The command window of a session (RFC 7143 4.2.2.1): ExpCmdSN and MaxCmdSN, and the memory behind
 * the places between them.
 *
 * <p>A place is a command that the initiator may send unasked. MaxCmdSN never goes back; a window
 * is narrowed by not opening again as commands end.
 *
 * <pre>
 *   at login                          {@value #BASE} places, whatever was negotiated
 *   a command ends                    one place more, up to the queue depth, if there is memory for it
 *     while memory is scarce, or      one place fewer, down to {@value #BASE}
 *     commands wait for theirs
 * </pre>
 *
 * Memory is reserved in {@link DataMemory} as places are used, {@code placeBytes} for each, the
 * most that a command can send before it gets an R2T:
 *
 * <pre>
 *   at login                          {@code keptPlaces}, mostly one; nobody else can take those
 *   a command takes a place           {@link #cover}: a place that is reserved and free, or one more.
 *                                     Without either the command takes its memory from that of all
 *                                     commands; if that has none, it is refused (TASK SET FULL)
 *   a command ends                    its place stays reserved, unless memory is scarce
 *   the session is idle               {@link #idle}: all but {@code keptPlaces} go back
 * </pre>
 *
 * So a window says how many commands an initiator may send, and memory goes to those who send some.
 * The windows of all sessions together may promise more than there is; a session can always have
 * one command with data under way, unless there are more sessions than memory was set aside for.
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

  /**
   * The memory of all sessions.
   *
   * @param first for the places that each session keeps
   * @param places for more places
   * @param commands for what commands need beyond their places; while a command waits for it,
   *     windows get narrower
   */
  record Memory(DataMemory first, DataMemory places, DataMemory commands) {
    Memory(SessionTerms terms) {
      this(terms.firstPlaceMemory(), terms.placeMemory(), terms.memory());
    }
  }

  /** Windows are not widened when less than this part of the memory for places is left. */
  private static final int SHARE = 8;

  /** Places of a session at login, and the least that a window is narrowed to. */
  private static final int BASE = SessionTerms.PLACES;

  /** Commands marked for immediate delivery in flight at once: they stand outside the window. */
  private static final int MAX_IMMEDIATE = 8;

  private final Memory memory;
  private final int placeBytes;
  private final int maxPlaces;

  /** Places that are reserved as long as the session lasts. */
  private final int kept;

  private int places;

  /** Places beyond those that are kept, for which there is memory. */
  private int backed;

  /** Commands whose place has memory. */
  private int covered;

  private int expCmdSn;
  private int maxCmdSn;

  private int immediate;
  private boolean closed;

  /**
   * Opens the window, see the class.
   *
   * @param placeBytes the most that a command brings unasked; 0 if nothing
   * @param keptPlaces for which memory is set aside for each session that may come; fewer are kept
   *     if there are more sessions than that memory suffices for
   */
  CommandWindow(Memory memory, int placeBytes, int keptPlaces, int maxPlaces, int firstCmdSn) {
    this.memory = memory;
    this.placeBytes = placeBytes;
    this.maxPlaces = maxPlaces;
    places = Math.min(BASE, maxPlaces);
    int most = Math.clamp(keptPlaces, 1, places);
    if (memory.first.tryReserve((long) most * placeBytes)) {
      kept = most;
    } else {
      kept = memory.first.tryReserve(placeBytes) ? 1 : 0;
    }
    expCmdSn = firstCmdSn;
    maxCmdSn = firstCmdSn + places - 1;
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
      reopen();
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
      reopen();
    }
    return mayCome;
  }

  /** A command has ended: its place opens again, and maybe one more, or the window is narrower. */
  void leave() {
    if (!closed && reopen() && places < maxPlaces && back()) {
      places++;
      maxCmdSn++;
    }
  }

  /** Opens a place again, unless the window is to be narrower; whether it may be wider. */
  private boolean reopen() {
    boolean scarce = isScarce() || memory.commands.isContended();
    if (scarce && places > BASE) {
      places--;
    } else {
      maxCmdSn++;
    }
    return !scarce;
  }

  // --- the memory behind the places ---------------------------------------------------------

  /**
   * A command takes {@code placeBytes} of memory, until {@link #uncover}.
   *
   * @return false if there is none for one more place
   */
  boolean cover() {
    if (covered == kept + backed && !back()) {
      return false;
    }
    covered++;
    return true;
  }

  /** The command needs the memory no more. */
  void uncover() {
    covered--;
    if (backed > 0 && (closed || isScarce())) {
      backed--;
      memory.places.release(placeBytes);
    } else if (closed) {
      memory.first.release(placeBytes);
    }
  }

  private boolean isScarce() {
    return memory.places.free() < memory.places.capacity() / SHARE;
  }

  private boolean back() {
    if (!memory.places.tryReserve(placeBytes)) {
      return false;
    }
    backed++;
    return true;
  }

  /** More memory is reserved than commands need that are in flight now. */
  boolean holdsMore() {
    return backed > 0 && kept + backed > covered;
  }

  /** The session has sent nothing for a while: others get the memory of its places. */
  void idle() {
    int less = Math.min(backed, kept + backed - covered);
    backed -= less;
    memory.places.release((long) less * placeBytes);
  }

  /**
   * The session is over: gives back the memory of all places but those of commands still in flight,
   * which give it back when they {@link #uncover}.
   */
  void close() {
    closed = true;
    idle();
    int held = Math.max(covered - backed, 0);
    memory.first.release((long) (kept - held) * placeBytes);
  }
}
