// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.sim;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import org.anabranch.block.Io;
import org.anabranch.block.sim.ModelDevice;
import org.anabranch.initiator.Pdu;
import org.jspecify.annotations.Nullable;

/** A command that an initiator has sent and that is not over. */
final class SimTask {
  /** What the command does. */
  enum Kind {
    READY,
    READ,
    WRITE,
    SYNC,
    REGISTER,
    RESERVE,
    RELEASE
  }

  final Kind kind;
  final int lun;
  final int tag;
  final int cmdSn;
  final byte[] cdb;
  final ByteBuffer data;

  /** When it was sent: by the model's clock, and in virtual nanoseconds. */
  final long began;

  final long sentAt;

  /** What it does to the model; null if nothing. */
  final @Nullable Io io;

  final ModelDevice.@Nullable Request request;

  /** Who may have held the reservation while it was under way. */
  final Set<String> holders = new HashSet<>();

  /** Somebody else may have aborted it, which nobody says. */
  boolean mayVanish;

  /** An ABORT TASK for it is under way. */
  boolean aborting;

  int dataSn;
  int r2tSn;

  /** Bytes that have come, or that were sent or asked for. */
  int offset;

  /** Sequences of data that are not sent completely: R2Ts, and what is sent unasked. */
  int openR2ts;

  /** What is sent unasked is among them. */
  boolean unsolicited;

  /** R2Ts whose data is sent when that of those before is. */
  final ArrayDeque<Pdu> r2ts = new ArrayDeque<>();

  SimTask(
      Kind kind,
      int lun,
      int tag,
      int cmdSn,
      byte[] cdb,
      ByteBuffer data,
      long began,
      long sentAt,
      @Nullable Io io,
      ModelDevice.@Nullable Request request) {
    this.kind = kind;
    this.lun = lun;
    this.tag = tag;
    this.cmdSn = cmdSn;
    this.cdb = cdb;
    this.data = data;
    this.began = began;
    this.sentAt = sentAt;
    this.io = io;
    this.request = request;
  }

  int length() {
    return data.limit();
  }

  boolean isRead() {
    return kind == Kind.READ;
  }

  /** Whether data goes to the target. */
  boolean isOut() {
    return !isRead() && length() > 0;
  }

  /** Whether a reservation of somebody else's keeps it from being done. */
  boolean needsAccess() {
    return kind == Kind.WRITE || kind == Kind.SYNC;
  }

  @Override
  public String toString() {
    return kind
        + " "
        + (io == null ? "" : io + " ")
        + "lun "
        + lun
        + " tag "
        + tag
        + " sn "
        + cmdSn;
  }
}
