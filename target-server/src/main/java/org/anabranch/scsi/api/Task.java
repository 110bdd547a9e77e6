// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One SCSI command from delivery to status (SAM-5 "command", "task" in RFC 7143). {@link
 * TaskRouter} defines the order of the calls. Each call hands the fields over to the next one, so
 * they need no lock. Lengths are in bytes.
 */
public final class Task {
  /** Is notified of the end of a task; see {@link TaskRouter}. */
  @FunctionalInterface
  public interface Listener {
    /** On any thread, with no lock held. Must not block. */
    void ended(Task task);

    /**
     * A task that {@link TaskRouter#pace} delayed may go on. It may have ended in the meantime. On
     * any thread, with no lock held. Must not block.
     */
    default void paced(Task task) {}

    /**
     * The task was aborted while it ran, and the router does not wait for the device any longer.
     * {@link #status} and {@link #aborted} are final, so the initiator can be answered. The buffers
     * stay in use until {@link #ended}, which comes when the device answers. On any thread, with no
     * lock held. Must not block.
     */
    default void disowned(Task task) {}
  }

  /** The part of the router that keeps a task between its preparation and its end. */
  public interface Handler {
    /** See {@link TaskRouter#pace}. */
    boolean pace();

    /** Runs the task, in the order that task attributes ask for. */
    void execute();

    /** Aborts the task; it ends without a response. */
    void abandon();
  }

  /** No sense data. */
  public static final byte[] NO_SENSE = {};

  private final Nexus nexus;
  private final long lun;
  private final byte[] cdb;
  private final TaskAttribute attribute;
  private final int tag;
  private final Listener listener;

  private long dataOutExpected = -1;
  private long dataInExpected = Long.MAX_VALUE;
  private int dataOutLength;
  private int dataInLength;
  private @Nullable ByteBuffer dataOut;
  private @Nullable ByteBuffer dataIn;

  private Status status = Status.GOOD;
  private byte[] sense = NO_SENSE;
  private int dataInTransferred;
  private boolean aborted;

  /** Set by the router in {@code prepare}. */
  private @Nullable Handler handler;

  /**
   * @param lun the LUN field, eight bytes big endian (SAM-5 4.7)
   * @param cdb the command descriptor block, 16 bytes or more when the transport carried more
   * @param tag the transport's tag, unique among the nexus's tasks in flight
   */
  public Task(
      Nexus nexus, long lun, byte[] cdb, TaskAttribute attribute, int tag, Listener listener) {
    this.nexus = nexus;
    this.lun = lun;
    this.cdb = cdb;
    this.attribute = attribute;
    this.tag = tag;
    this.listener = listener;
  }

  public Nexus nexus() {
    return nexus;
  }

  public long lun() {
    return lun;
  }

  /** The CDB itself, not a copy. It must not be modified. */
  public byte[] cdb() {
    return cdb;
  }

  public TaskAttribute attribute() {
    return attribute;
  }

  public int tag() {
    return tag;
  }

  /**
   * Sets the number of bytes that the initiator is going to send (Expected Data Transfer Length of
   * a write). It may be more than the command takes. Called before {@code prepare}.
   */
  public void expectsDataOut(long length) {
    dataOutExpected = length;
  }

  /** The value of {@link #expectsDataOut}; -1 if it was not called. */
  public long dataOutExpected() {
    return dataOutExpected;
  }

  /**
   * Sets the number of bytes that the initiator is ready to receive (Expected Data Transfer Length
   * of a read; -1 if the command is not a read). Called before {@code prepare}.
   */
  public void expectsDataIn(long length) {
    dataInExpected = length;
  }

  /** Whether the initiator expects data, even if it is 0 bytes. */
  public boolean isRead() {
    return dataInExpected >= 0;
  }

  /** The number of bytes received from the initiator. */
  public int dataOutReceived() {
    return dataOut == null ? 0 : dataOut.remaining();
  }

  /** Whether parameter data reaches the initiator. If not, one-time information must be kept. */
  public boolean canReply() {
    return dataInLength > 0 && dataInExpected > 0;
  }

  /** The number of bytes that the command takes from the initiator, set by {@code prepare}. */
  public int dataOutLength() {
    return dataOutLength;
  }

  /** The most bytes that the command can return to the initiator, set by {@code prepare}. */
  public int dataInLength() {
    return dataInLength;
  }

  /** The router names what keeps the task from now on; null before {@code prepare}. */
  public void handler(Handler newHandler) {
    handler = newHandler;
  }

  public @Nullable Handler handler() {
    return handler;
  }

  /** The router says how many bytes the command takes and returns. */
  public void needs(int outLength, int inLength) {
    dataOutLength = outLength;
    dataInLength = inLength;
  }

  /**
   * The transport's data-out: position to limit is what the initiator sent, at most {@link
   * #dataOutLength}, less if the initiator expected to send less. Direct.
   */
  public @Nullable ByteBuffer dataOut() {
    return dataOut;
  }

  /**
   * The transport's buffer for data-in, direct, {@link #dataInLength} bytes from its position on;
   * null if that is 0. Filled from the position on; the position itself does not move.
   */
  public @Nullable ByteBuffer dataIn() {
    return dataIn;
  }

  /** Called by the transport before {@code execute}. The buffers stay valid until the task ends. */
  public void buffers(@Nullable ByteBuffer out, @Nullable ByteBuffer in) {
    dataOut = out;
    dataIn = in;
  }

  public Status status() {
    return status;
  }

  /** Sense data as it goes on the wire, without iSCSI's length field; empty if there is none. */
  public byte[] sense() {
    return sense;
  }

  /** How many bytes of {@link #dataIn} are to be sent; may be nonzero beside CHECK CONDITION. */
  public int dataInTransferred() {
    return dataInTransferred;
  }

  /**
   * The task was aborted, and the initiator is to get no response for it. (With TAS = 1 an abort by
   * another nexus ends as {@link Status#TASK_ABORTED} instead, which is a response.)
   */
  public boolean aborted() {
    return aborted;
  }

  /** Ends the task with a status. Called by the router, once. */
  public void end(Status endStatus, byte[] senseData, int transferred) {
    status = endStatus;
    sense = senseData;
    dataInTransferred = transferred;
    listener.ended(this);
  }

  /** Ends the task without a response. Called by the router, once. */
  public void endAborted() {
    aborted = true;
    listener.ended(this);
  }

  /** Tells the transport that a task which was delayed may go on. Called by the router. */
  public void goOn() {
    listener.paced(this);
  }

  /** Gives the task up; it has a status from now on, and no data. Called by the router. */
  public void disown(Status abortedStatus) {
    status = abortedStatus;
    listener.disowned(this);
  }

  /** Gives the task up; it gets no response. Called by the router. */
  public void disownSilently() {
    aborted = true;
    listener.disowned(this);
  }

  /** Ends a task that was disowned. Called by the router, once. */
  public void endDisowned() {
    listener.ended(this);
  }
}
