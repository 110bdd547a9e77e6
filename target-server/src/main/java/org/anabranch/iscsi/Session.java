// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.anabranch.jscsi.AsyncEvent;
import org.anabranch.jscsi.ColdPdus;
import org.anabranch.jscsi.LoginStatus;
import org.anabranch.jscsi.LogoutRequest;
import org.anabranch.jscsi.LogoutResponse;
import org.anabranch.jscsi.MalformedPduException;
import org.anabranch.jscsi.NopOut;
import org.anabranch.jscsi.Opcode;
import org.anabranch.scsi.InitiatorPort;
import org.anabranch.scsi.Nexus;
import org.anabranch.scsi.TargetPort;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A session in full feature phase (RFC 7143 4.3, 7): one connection, error recovery level 0. It
 * counts CmdSN, answers the PDUs that are not about a command, and leaves those that are to {@link
 * Commands} and {@link TaskManagement}. A discovery session has neither.
 *
 * <pre>
 *   what happens to                              answer
 *   a CmdSN outside the window                   ignored, with its data
 *   a CmdSN that leaves a gap                    connection dropped: nothing fills gaps at level 0
 *   a PDU longer than declared                   Reject (protocol error), connection dropped
 *   a wrong header digest                        connection dropped
 *   a wrong data digest                          Reject; a data PDU also fails its command
 *   an opcode that is not for a target           Reject (command not supported)
 *   a header that makes no sense                 Reject (invalid PDU field)
 *   a dead peer                                  pinged, then dropped ({@link Keepalive})
 *   a peer that reads nothing                    no more commands taken, then dropped
 * </pre>
 *
 * <p>Owned by its connection's event loop but for what says otherwise.
 */
final class Session implements Connection.Phase {
  private static final Logger LOG = LoggerFactory.getLogger(Session.class);
  private static final byte[] NO_DATA = {};

  private enum State {
    NEW,
    OPEN,
    ENDED
  }

  private final IscsiServer server;
  private final Connection connection;
  private final SessionKey key;
  private final int connectionId;
  private final int firstCmdSn;
  private final @Nullable TargetNode node;
  private final Parameters parameters;
  private final Rejects rejects;
  private final TextExchange texts;
  private final Keepalive keepalive;

  private final CompletableFuture<@Nullable Void> gone = new CompletableFuture<>();

  /** Written before the session is known to other threads. */
  private volatile int tsih;

  private State state = State.NEW;
  private @Nullable Session predecessor;
  private @Nullable CommandWindow window;
  private @Nullable Commands commands;
  private @Nullable TaskManagement management;
  private @Nullable ByteBuf coldData;

  Session(
      IscsiServer server,
      Connection connection,
      SessionKey key,
      int connectionId,
      int firstCmdSn,
      @Nullable TargetNode node,
      Parameters parameters) {
    this.server = server;
    this.connection = connection;
    this.key = key;
    this.connectionId = connectionId;
    this.firstCmdSn = firstCmdSn;
    this.node = node;
    this.parameters = parameters;
    this.rejects = new Rejects(this);
    this.texts = new TextExchange(server, this);
    this.keepalive = new Keepalive(this, server.limits());
  }

  // --- life ---------------------------------------------------------------------------------

  SessionKey key() {
    return key;
  }

  /** Any thread. */
  int tsih() {
    return tsih;
  }

  void tsih(int handle) {
    tsih = handle;
  }

  /** The session whose place this one takes; before {@link #open}. */
  void follows(Session old) {
    predecessor = old;
  }

  /**
   * Done when nothing of the session is left at the target: its nexus is closed and its commands
   * have ended, so that no late write of theirs can overtake one of a session that follows. Any
   * thread.
   */
  CompletableFuture<@Nullable Void> gone() {
    return gone;
  }

  /** Begins full feature phase. */
  void open() throws LoginRefusedException {
    if (state != State.NEW) {
      throw new LoginRefusedException(
          LoginStatus.SERVICE_UNAVAILABLE, "another login took the session's place");
    }
    IscsiLimits limits = server.limits();
    try {
      window =
          node == null
              ? new CommandWindow(server.placeMemory(), server.memory(), 0, 16, firstCmdSn)
              : new CommandWindow(
                  server.placeMemory(),
                  server.memory(),
                  parameters.firstBurstLength,
                  limits.queueDepth(),
                  firstCmdSn);
    } catch (CommandWindow.OutOfMemoryException e) {
      throw new LoginRefusedException(LoginStatus.OUT_OF_RESOURCES, String.valueOf(e.getMessage()));
    }
    state = State.OPEN;
    if (node != null) {
      Nexus nexus =
          node.router()
              .open(
                  new InitiatorPort(key.initiator(), key.isid()),
                  new TargetPort(node.name(), key.portalGroupTag(), key.portalGroupTag()),
                  this::asynchronousEvent);
      commands = new Commands(this, node.router(), nexus, window, parameters, server.memory());
      management = new TaskManagement(this, node.router(), nexus, commands.responses());
    }
    keepalive.start();
  }

  /** A login that did not come to its end: leaves no trace. */
  void abandon() {
    if (state == State.OPEN) {
      finish();
    } else if (state == State.NEW) {
      state = State.ENDED;
      release();
    }
  }

  /** Ends the session from outside, whatever it is doing. Any thread. */
  void end(String reason) {
    connection
        .channel()
        .eventLoop()
        .execute(() -> {
          if (state == State.OPEN) {
            LOG.info("{}: session with {} ended: {}", connection.peer(), target(), reason);
          }
          abandon();
          connection.close();
        });
  }

  /** Asks the initiator to log out (RFC 7143 11.9.1, event 1). Any thread. */
  void requestLogout(Duration within) {
    connection
        .channel()
        .eventLoop()
        .execute(() -> {
          if (state == State.OPEN) {
            int seconds = Math.clamp(within.toSeconds(), 1, 3600);
            async(AsyncEvent.LOGOUT_REQUESTED, 0, 0, 0, seconds, NO_DATA);
          }
        });
  }

  @Override
  public void closed() {
    if (state == State.OPEN) {
      LOG.info("{}: session with {} closed", connection.peer(), target());
    }
    abandon();
  }

  private void finish() {
    state = State.ENDED;
    keepalive.stop();
    if (commands != null) {
      commands.close(this::release);
      return;
    }
    if (window != null) {
      window.close(0);
    }
    release();
  }

  private void release() {
    server.sessions().remove(this);
    Session before = predecessor;
    predecessor = null;
    if (before == null) {
      gone.complete(null);
    } else {
      var _ = before.gone.thenRun(() -> gone.complete(null));
    }
  }

  // --- what others need to know -------------------------------------------------------------

  Connection connection() {
    return connection;
  }

  Parameters parameters() {
    return parameters;
  }

  @Nullable TargetNode node() {
    return node;
  }

  boolean isOpen() {
    return state == State.OPEN;
  }

  private CommandWindow window() {
    if (window == null) {
      throw new IllegalStateException("session is not open");
    }
    return window;
  }

  int expCmdSn() {
    return window().expCmdSn();
  }

  int maxCmdSn() {
    return window().maxCmdSn();
  }

  String describeTarget() {
    return (node == null ? "discovery" : node.name())
        + ", portal group "
        + key.portalGroupTag()
        + ", session "
        + tsih;
  }

  private String target() {
    return node == null ? "discovery" : node.name();
  }

  SessionInfo info() {
    return new SessionInfo(
        tsih,
        key.isid(),
        key.initiator(),
        key.target(),
        key.portalGroupTag(),
        connection.remoteAddress(),
        parameters.headerDigest,
        parameters.dataDigest,
        commands == null ? 0 : commands.inFlight(),
        commands == null ? 0 : commands.done());
  }

  // --- receiving ----------------------------------------------------------------------------

  @Override
  public boolean fits(Pdu pdu) {
    if (pdu.dataLength() <= server.limits().maxRecvDataSegmentLength()) {
      return true;
    }
    rejects.send(pdu, Rejects.PROTOCOL_ERROR);
    LOG.warn(
        "{}: connection dropped: a PDU of {} bytes, declared are {}",
        connection.peer(),
        pdu.dataLength(),
        server.limits().maxRecvDataSegmentLength());
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
      if (pdu.immediate() || window().classify(pdu.cmdSn()) == CommandWindow.Arrival.NEXT) {
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
    Opcode opcode = pdu.opcode();
    byte[] data = takeColdData();
    if (opcode == Opcode.DATA_OUT && commands != null) {
      if (!digestRight) {
        rejects.send(pdu, Rejects.DATA_DIGEST_ERROR);
      }
      commands.completeData(pdu, digestRight, rejects);
      return;
    }
    if (!digestRight) {
      // As if the PDU had not come; its CmdSN stays open (RFC 7143 7.8).
      rejects.send(pdu, Rejects.DATA_DIGEST_ERROR);
      if (commands != null) {
        commands.discard();
      }
      return;
    }
    if (opcode == null || opcode == Opcode.DATA_OUT || isTargets(opcode)) {
      rejects.send(pdu, Rejects.COMMAND_NOT_SUPPORTED);
      return;
    }
    if (opcode == Opcode.SNACK_REQUEST) { // has no CmdSN, and no place at level 0
      rejects.send(pdu, Rejects.SNACK_REJECT);
      return;
    }
    if (!pdu.immediate()) {
      switch (window().classify(pdu.cmdSn())) {
        case NEXT -> window().enter();
        case OUTSIDE -> {
          if (commands != null) {
            commands.discard();
          }
          return;
        }
        case GAP -> {
          connection.drop("CmdSN " + pdu.cmdSn() + " when " + expCmdSn() + " is next");
          return;
        }
      }
      if (opcode != Opcode.SCSI_COMMAND) {
        window().leave();
      }
    }
    dispatch(opcode, pdu, data);
  }

  private static boolean isTargets(Opcode opcode) {
    return opcode.code() >= Opcode.NOP_IN.code();
  }

  private void dispatch(Opcode opcode, Pdu pdu, byte[] data) {
    try {
      switch (opcode) {
        case SCSI_COMMAND -> {
          if (commands == null) {
            rejectCommand(pdu);
          } else {
            commands.complete(pdu, rejects);
          }
        }
        case TASK_MANAGEMENT_REQUEST -> {
          if (management == null) {
            rejects.send(pdu, Rejects.COMMAND_NOT_SUPPORTED);
          } else {
            management.request(pdu);
          }
        }
        case NOP_OUT -> nopOut(pdu, data);
        case TEXT_REQUEST -> texts.request(pdu, data, rejects);
        case LOGOUT_REQUEST -> logout(ColdPdus.logoutRequest(pdu.basicHeader()));
        case LOGIN_REQUEST -> rejects.send(pdu, Rejects.PROTOCOL_ERROR);
        default -> rejects.send(pdu, Rejects.COMMAND_NOT_SUPPORTED);
      }
    } catch (MalformedPduException e) {
      LOG.debug("{}: rejected: {}", connection.peer(), e.getMessage());
      rejects.send(pdu, Rejects.INVALID_PDU_FIELD);
    }
  }

  private void rejectCommand(Pdu pdu) {
    rejects.send(pdu, Rejects.COMMAND_NOT_SUPPORTED);
    if (!pdu.immediate()) {
      window().leave();
    }
  }

  private byte[] takeColdData() {
    ByteBuf data = coldData;
    coldData = null;
    return data == null ? NO_DATA : data.array();
  }

  @Override
  public void headerDigestWrong() {
    connection.drop("header digest is wrong");
  }

  // --- PDUs off the hot path ----------------------------------------------------------------

  private void nopOut(Pdu pdu, byte[] data) throws MalformedPduException {
    NopOut nop = ColdPdus.nopOut(pdu.basicHeader());
    if (nop.taskTag() == Pdu.NO_TAG) {
      return; // an answer to a ping of ours, or a word about ExpStatSN
    }
    byte[] echo =
        data.length <= parameters.maxSendDataSegmentLength
            ? data
            : Arrays.copyOf(data, parameters.maxSendDataSegmentLength);
    connection.send(
        ColdPdus.nopIn(
            nop.lun(), nop.taskTag(), Pdu.NO_TAG, connection.nextStatSn(), expCmdSn(), maxCmdSn()),
        echo);
  }

  /** Sends a NOP-In that wants an answer. */
  void ping(int transferTag) {
    connection.send(
        ColdPdus.nopIn(0, Pdu.NO_TAG, transferTag, connection.statSn(), expCmdSn(), maxCmdSn()),
        NO_DATA);
    connection.flush();
  }

  private void logout(LogoutRequest request) {
    LogoutResponse response =
        switch (request.reason()) {
          case CLOSE_SESSION -> LogoutResponse.CLOSED;
          case CLOSE_CONNECTION ->
              request.connectionId() == connectionId
                  ? LogoutResponse.CLOSED
                  : LogoutResponse.CONNECTION_NOT_FOUND;
          case CONNECTION_RECOVERY -> LogoutResponse.RECOVERY_NOT_SUPPORTED;
        };
    if (response == LogoutResponse.CLOSED && commands != null) {
      // The answer says that no command of the session will do anything any more.
      commands.end(() -> loggedOut(request, response));
    } else {
      loggedOut(request, response);
    }
  }

  private void loggedOut(LogoutRequest request, LogoutResponse response) {
    if (state != State.OPEN) {
      return;
    }
    boolean close = response == LogoutResponse.CLOSED;
    connection.send(
        ColdPdus.logoutResponse(
            response,
            request.taskTag(),
            close ? parameters.time2Wait : 0,
            close ? parameters.time2Retain : 0,
            connection.nextStatSn(),
            expCmdSn(),
            maxCmdSn()),
        NO_DATA);
    if (close) {
      LOG.info("{}: logged out of {}", connection.peer(), target());
      finish();
      connection.closeAfterSending();
    }
  }

  /** From the SCSI layer, on any thread. */
  private void asynchronousEvent(long lun, byte[] sense) {
    connection
        .channel()
        .eventLoop()
        .execute(() -> {
          if (state == State.OPEN) {
            byte[] data = new byte[2 + sense.length];
            data[0] = (byte) (sense.length >> 8);
            data[1] = (byte) sense.length;
            System.arraycopy(sense, 0, data, 2, sense.length);
            async(AsyncEvent.SCSI, lun, 0, 0, 0, data);
          }
        });
  }

  /** Tells the initiator of an event (RFC 7143 11.9). */
  void async(AsyncEvent event, long lun, int one, int two, int three, byte[] data) {
    connection.send(
        ColdPdus.asyncMessage(
            event, lun, one, two, three, connection.nextStatSn(), expCmdSn(), maxCmdSn()),
        data);
    connection.flush();
  }

  /** The channel has room again. */
  void writable() {
    if (commands != null && state == State.OPEN) {
      commands.writable();
    }
  }

  /** A cold reset of the target ends all its sessions, this one after what it still sends. */
  void coldReset() {
    for (Session other : server.sessions().all()) {
      if (other != this && other.key.target().equals(key.target())) {
        other.end("target cold reset");
      }
    }
    LOG.info("{}: session with {} ended: target cold reset", connection.peer(), target());
    finish();
    connection.closeAfterSending();
  }

  /**
   * Whether a command with RefCmdSN, aborted before it came, may still come: then it is taken as
   * come (RFC 7143 11.5.1).
   */
  boolean missing(int refCmdSn, int cmdSn) {
    boolean inWindow =
        refCmdSn - expCmdSn() >= 0 && refCmdSn - maxCmdSn() <= 0 && refCmdSn - cmdSn < 0;
    if (inWindow && refCmdSn == expCmdSn()) {
      window().enter();
      window().leave();
    }
    return inWindow;
  }
}
