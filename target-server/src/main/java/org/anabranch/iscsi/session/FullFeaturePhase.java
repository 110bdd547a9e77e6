// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.anabranch.iscsi.login.Parameters;
import org.anabranch.iscsi.shares.TokenBucket;
import org.anabranch.iscsi.wire.Connection;
import org.anabranch.iscsi.wire.ConnectionCounter;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.jscsi.ColdPdus;
import org.anabranch.jscsi.LogoutRequest;
import org.anabranch.jscsi.LogoutResponse;
import org.anabranch.jscsi.MalformedPduException;
import org.anabranch.jscsi.NopOut;
import org.anabranch.jscsi.Opcode;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Full feature phase of a connection (RFC 7143 4.3, 7): checks CmdSN, passes commands and their
 * data to {@link Commands} and task management requests to {@link TaskManagement}, and answers the
 * other PDUs. A discovery session accepts only text requests and a logout that closes it (4.3).
 *
 * <pre>
 *   what happens to                              answer
 *   a CmdSN outside the window                   ignored, with its data
 *   a CmdSN that leaves a gap                    connection dropped: nothing is kept behind gaps
 *   a PDU longer than declared                   Reject (protocol error), connection dropped
 *   a wrong header digest                        connection dropped
 *   a wrong data digest                          Reject; a data PDU also fails its command
 *   an opcode that is not for a target           Reject (command not supported)
 *   a header that makes no sense                 Reject (invalid PDU field)
 *   a SNACK                                      Reject: level 0 repeats nothing
 *   a login                                      Reject (protocol error)
 *   the CmdSN of what was rejected               stays open (7.3), for another PDU of that number
 *   in a discovery session: a ping, or a logout of a connection
 *                                                Reject (protocol error)
 *   what comes behind a logout                   ignored ({@link Connection#ignoreInput})
 *   a dead peer                                  pinged, then dropped ({@link Keepalive})
 *   a peer that reads nothing, or very slowly    no more PDUs taken, then dropped
 *   a PDU that is begun and does not come        connection dropped (ReceiveTimeout)
 *   very many PDUs that are no work (pings, task management, immediate commands, what is rejected
 *   or ignored, tiny pieces of data)             taken, but only so many a second
 *   very many PDUs at once                       the rest waits for the loop's next turn
 * </pre>
 *
 * Owned by the connection's event loop.
 */
final class FullFeaturePhase implements Connection.Phase {
  private static final Logger LOG = LoggerFactory.getLogger(FullFeaturePhase.class);
  private static final byte[] NO_DATA = {};

  /** PDUs that are neither commands nor data. */
  private static final TokenBucket.Rate TALK = new TokenBucket.Rate(1024, 500);

  /**
   * How long nothing is taken from a peer that sent too many of them: a wake-up for each one would
   * cost more than the PDU itself, so some tens are taken together.
   */
  private static final long TALK_PAUSE = TimeUnit.MILLISECONDS.toNanos(50);

  /** What a Data-Out PDU brings at least, unless it is the last one of its sequence. */
  private static final int LEAST_DATA = 512;

  private final Session session;
  private final Connection connection;
  private final CommandWindow window;
  private final @Nullable Commands commands;
  private final @Nullable TaskManagement management;
  private final Parameters parameters;
  private final int maxReceive;
  private final Rejects rejects;
  private final TextExchange texts;

  private final TokenBucket idleTalk;

  /** Data segment of a PDU off the hot path that is being received. */
  private @Nullable ByteBuf coldData;

  FullFeaturePhase(
      SessionTerms terms,
      Session session,
      CommandWindow window,
      @Nullable Commands commands,
      @Nullable TaskManagement management) {
    this.session = session;
    this.connection = session.connection();
    this.window = window;
    this.commands = commands;
    this.management = management;
    this.parameters = session.parameters();
    this.maxReceive = terms.limits().maxRecvDataSegmentLength();
    this.idleTalk = new TokenBucket(TALK, connection.now());
    this.rejects = new Rejects(session);
    this.texts = new TextExchange(terms, session, window);
  }

  @Override
  public boolean fits(Pdu pdu) {
    if (pdu.dataLength() <= maxReceive) {
      return true;
    }
    rejects.send(pdu, Rejects.PROTOCOL_ERROR);
    connection
        .in(LOG.atWarn())
        .log(
            "{}: connection dropped: a PDU of {} bytes, declared are {}",
            connection.peer(),
            pdu.dataLength(),
            maxReceive);
    connection.closeAfterSending();
    return false;
  }

  @Override
  public void begin(Pdu pdu) {
    Opcode opcode = pdu.opcode();
    if (opcode == Opcode.DATA_OUT && commands != null) {
      commands.beginData(pdu);
      return;
    }
    if (opcode == Opcode.SCSI_COMMAND && commands != null) {
      // Nothing is done for a command outside the window; that its number is next is checked again.
      if (pdu.immediate() || window.classify(pdu.cmdSn()) == CommandWindow.Arrival.NEXT) {
        commands.begin(pdu);
      }
      return;
    }
    if (pdu.dataLength() > 0 && (opcode == Opcode.NOP_OUT || opcode == Opcode.TEXT_REQUEST)) {
      ByteBuf data = Unpooled.buffer(pdu.dataLength(), pdu.dataLength());
      data.writerIndex(pdu.dataLength());
      pdu.sink(data, 0, pdu.dataLength());
      coldData = data;
    }
  }

  @Override
  public void complete(Pdu pdu, boolean digestRight) {
    if (commands == null) {
      session.active();
    }
    boolean work = take(pdu, digestRight);
    long wait = work ? 0 : idleTalk.take(TALK, connection.now());
    if (wait > 0) {
      connection.pauseFor(Math.max(wait, TALK_PAUSE));
    }
    connection.taken();
    connection.pauseIfBackedUp(commands == null);
  }

  /**
   * Takes a PDU.
   *
   * @return whether it brings a command or its data; false for what anybody can send without end
   */
  private boolean take(Pdu pdu, boolean digestRight) {
    Opcode opcode = pdu.opcode();
    byte[] data = takeColdData();
    if (!digestRight) {
      session.counters().increment(SessionCounter.DATA_DIGEST_ERRORS);
      connection.counters().increment(ConnectionCounter.DATA_DIGEST_ERRORS);
    }
    if (opcode == Opcode.DATA_OUT || opcode == Opcode.SCSI_COMMAND) {
      session.counters().add(SessionCounter.DATA_OUT_BYTES, pdu.dataLength());
    }
    if (opcode == Opcode.DATA_OUT && commands != null) {
      if (!digestRight) {
        rejects.send(pdu, Rejects.DATA_DIGEST_ERROR);
      }
      boolean expected = commands.completeData(pdu, digestRight, rejects);
      return expected && (pdu.isFinal() || pdu.dataLength() >= LEAST_DATA);
    }
    if (!digestRight) {
      // The PDU is ignored, and its CmdSN is not used up (RFC 7143 7.8).
      rejects.send(pdu, Rejects.DATA_DIGEST_ERROR);
      if (commands != null) {
        commands.discard();
      }
      return false;
    }
    if (opcode == null || opcode == Opcode.DATA_OUT || isTargets(opcode)) {
      rejects.send(pdu, Rejects.COMMAND_NOT_SUPPORTED);
      return false;
    }
    if (opcode == Opcode.SNACK_REQUEST) { // has no CmdSN, and no place at level 0
      rejects.send(pdu, Rejects.SNACK_REJECT);
      return false;
    }
    if (!pdu.immediate()) {
      switch (window.classify(pdu.cmdSn())) {
        case NEXT -> {
          // It counts when the PDU is found to be in order, not before (RFC 7143 7.3).
        }
        case OUTSIDE -> {
          if (commands != null) {
            commands.discard();
          }
          return false;
        }
        case GAP -> {
          connection.drop("CmdSN " + pdu.cmdSn() + " when " + window.expCmdSn() + " is next");
          return false;
        }
      }
    }
    int next = window.expCmdSn();
    dispatch(opcode, pdu, data);
    return opcode == Opcode.SCSI_COMMAND && window.expCmdSn() != next;
  }

  private static boolean isTargets(Opcode opcode) {
    return opcode.code() >= Opcode.NOP_IN.code();
  }

  private void dispatch(Opcode opcode, Pdu pdu, byte[] data) {
    try {
      switch (opcode) {
        case SCSI_COMMAND -> {
          if (commands == null) {
            rejects.send(pdu, Rejects.COMMAND_NOT_SUPPORTED);
          } else {
            commands.complete(pdu, rejects);
          }
        }
        case TASK_MANAGEMENT_REQUEST -> {
          if (management == null) {
            rejects.send(pdu, Rejects.COMMAND_NOT_SUPPORTED);
          } else {
            management.request(pdu, rejects);
            session.counters().increment(SessionCounter.TASK_MANAGEMENT_REQUESTS);
          }
        }
        case NOP_OUT -> nopOut(pdu, data);
        case TEXT_REQUEST -> texts.request(pdu, data, rejects);
        case LOGOUT_REQUEST -> logout(pdu, ColdPdus.logoutRequest(pdu.basicHeader()));
        case LOGIN_REQUEST -> rejects.send(pdu, Rejects.PROTOCOL_ERROR);
        default -> rejects.send(pdu, Rejects.COMMAND_NOT_SUPPORTED);
      }
    } catch (MalformedPduException e) {
      connection.in(LOG.atDebug()).log("{}: rejected: {}", connection.peer(), e.getMessage());
      rejects.send(pdu, Rejects.INVALID_PDU_FIELD);
    }
  }

  private byte[] takeColdData() {
    ByteBuf data = coldData;
    coldData = null;
    return data == null ? NO_DATA : data.array();
  }

  @Override
  public void headerDigestWrong() {
    connection.counters().increment(ConnectionCounter.HEADER_DIGEST_ERRORS);
    connection.drop("header digest is wrong");
  }

  // --- PDUs off the hot path ----------------------------------------------------------------

  private void nopOut(Pdu pdu, byte[] data) throws MalformedPduException {
    NopOut nop = ColdPdus.nopOut(pdu.basicHeader());
    if (nop.taskTag() == Pdu.NO_TAG) {
      window.pass(pdu);
      return; // the answer to our ping, or only an acknowledgement of ExpStatSN
    }
    if (commands == null) {
      rejects.send(pdu, Rejects.PROTOCOL_ERROR);
      return;
    }
    window.pass(pdu);
    byte[] echo =
        data.length <= parameters.maxSendDataSegmentLength()
            ? data
            : Arrays.copyOf(data, parameters.maxSendDataSegmentLength());
    connection.send(
        ColdPdus.nopIn(
            0, // reserved without a transfer tag of ours (11.19)
            nop.taskTag(),
            Pdu.NO_TAG,
            connection.nextStatSn(),
            window.expCmdSn(),
            window.maxCmdSn()),
        echo);
  }

  private void logout(Pdu pdu, LogoutRequest request) {
    if (request.taskTag() == Pdu.NO_TAG) {
      rejects.send(pdu, Rejects.INVALID_PDU_FIELD);
      return;
    }
    if (commands == null && request.reason() != LogoutRequest.Reason.CLOSE_SESSION) {
      rejects.send(pdu, Rejects.PROTOCOL_ERROR);
      return;
    }
    window.pass(pdu);
    LogoutResponse response =
        switch (request.reason()) {
          case CLOSE_SESSION -> LogoutResponse.CLOSED;
          case CLOSE_CONNECTION ->
              request.connectionId() == session.connectionId()
                  ? LogoutResponse.CLOSED
                  : LogoutResponse.CONNECTION_NOT_FOUND;
          case CONNECTION_RECOVERY -> LogoutResponse.RECOVERY_NOT_SUPPORTED;
        };
    if (response == LogoutResponse.CLOSED && commands != null) {
      session.report().logoutReceived();
      // The response is sent when all commands of the session have ended or are given up. Until
      // then nothing that comes may prevent it, or cost others anything.
      connection.ignoreInput();
      commands.abortAll(() -> loggedOut(request, response));
    } else {
      loggedOut(request, response);
    }
  }

  private void loggedOut(LogoutRequest request, LogoutResponse response) {
    if (!session.isOpen()) {
      return;
    }
    boolean close = response == LogoutResponse.CLOSED;
    connection.send(
        ColdPdus.logoutResponse(
            response,
            request.taskTag(),
            close ? parameters.time2Wait() : 0,
            close ? parameters.time2Retain() : 0,
            connection.nextStatSn(),
            window.expCmdSn(),
            window.maxCmdSn()),
        NO_DATA);
    if (close) {
      session.loggedOut();
    }
  }

  /** The channel is writable again. */
  @Override
  public void writable() {
    if (session.isOpen() && !connection.isBackedUp(commands == null)) {
      connection.resume(Connection.Pause.UNREAD);
    }
  }

  @Override
  public void closed() {
    session.closed();
  }
}
