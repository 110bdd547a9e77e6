// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.login;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.anabranch.iscsi.shares.LoginPace;
import org.anabranch.iscsi.wire.Connection;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.jscsi.ColdPdus;
import org.anabranch.jscsi.LoginRequest;
import org.anabranch.jscsi.LoginResponse;
import org.anabranch.jscsi.LoginStage;
import org.anabranch.jscsi.LoginStatus;
import org.anabranch.jscsi.MalformedPduException;
import org.anabranch.jscsi.Opcode;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Login phase of a connection (RFC 7143 6.3, 11.12): requests and responses, stages and their
 * transitions. {@link LoginNegotiation} evaluates the keys.
 *
 * <pre>
 *   what happens to                             answer
 *   a PDU that is no login request              connection dropped; 020b after the first request
 *   nothing at all, until the timeout           connection dropped
 *   more text than the limit, or an AHS         0200
 *   stages that do not exist or go back         0200
 *   a version above 0                           0205
 *   text with C                                 an empty response, then the whole text at once
 *   an answer longer than it may be             in pieces (C), each asked for by an empty request
 *   T                                           followed, unless security is not settled
 *   a CHAP proof from where wrong ones came     the answer waits, see {@link ChapDelays}
 *   the first request, from where many come     the answer waits, see {@link LoginPace}
 * </pre>
 *
 * Owned by the connection's event loop.
 */
public final class Login implements Connection.Phase {
  private static final Logger LOG = LoggerFactory.getLogger(Login.class);

  /** The initiator's MaxRecvDataSegmentLength, the default until the login has ended (13.12). */
  private static final int LONGEST_ANSWER = 8192;

  private final LoginTerms terms;
  private final Admission admission;
  private final Connection connection;
  private final Portal portal;
  private final ScheduledFuture<?> timeout;
  private final ByteBuf text;
  private @Nullable LoginRequest first;
  private @Nullable LoginNegotiation negotiation;
  private LoginStage stage = LoginStage.SECURITY_NEGOTIATION;

  /** The rest of a response that is sent in pieces. */
  private @Nullable ByteBuffer rest;

  /** The session that waits for its place, or for its login to be announced. */
  private @Nullable NewSession waiting;

  private int received;

  /** Whether the first request has come and had its turn, or waits for it. */
  private boolean paced;

  private boolean done;

  /**
   * Begins with a connection that has just been opened.
   *
   * @param portal the portal that the initiator connected to
   */
  public Login(LoginTerms terms, Admission admission, Connection connection, Portal portal) {
    this.terms = terms;
    this.admission = admission;
    this.connection = connection;
    this.portal = portal;
    this.text = Unpooled.buffer(0, terms.limits().bytesBeforeLogin());
    this.timeout =
        connection
            .channel()
            .eventLoop()
            .schedule(
                () -> connection.drop("login timeout"),
                terms.limits().loginTimeout().toNanos(),
                TimeUnit.NANOSECONDS);
  }

  @Override
  public boolean fits(Pdu pdu) {
    if (pdu.opcode() != Opcode.LOGIN_REQUEST) {
      if (first == null) {
        connection.drop("the first PDU is no login request");
      } else {
        refuse(first, LoginStatus.INVALID_DURING_LOGIN, "a PDU that is no login request");
      }
      return false;
    }
    received += Pdu.BASIC_HEADER + pdu.additionalLength() + pdu.dataLength();
    if (received > terms.limits().bytesBeforeLogin()) {
      refuse(unreadable(pdu), LoginStatus.INITIATOR_ERROR, "login of " + received + " bytes");
      return false;
    }
    if (pdu.additionalLength() > 0) {
      refuse(unreadable(pdu), LoginStatus.INITIATOR_ERROR, "login with additional headers");
      return false;
    }
    return true;
  }

  @Override
  public void begin(Pdu pdu) {
    int at = text.writerIndex();
    text.ensureWritable(pdu.dataLength());
    pdu.sink(text, at, pdu.dataLength());
    text.writerIndex(at + pdu.dataLength());
  }

  @Override
  public void complete(Pdu pdu, boolean digestRight) {
    LoginRequest request;
    try {
      request = ColdPdus.loginRequest(pdu.basicHeader());
    } catch (MalformedPduException e) {
      refuse(unreadable(pdu), LoginStatus.INITIATOR_ERROR, String.valueOf(e.getMessage()));
      return;
    }
    boolean proof = negotiation != null && negotiation.awaitsProof() && !request.continues();
    Duration delay = delay(proof);
    if (delay.isZero()) {
      proceed(request, proof);
    } else {
      connection.pause(Connection.Pause.LOGIN);
      var _ =
          connection
              .channel()
              .eventLoop()
              .schedule(() -> later(request, proof), delay.toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  /**
   * How long a request has to wait; never so long that the login would be over before it.
   *
   * @param proof whether it has the initiator's CHAP proof
   */
  private Duration delay(boolean proof) {
    InetAddress from = connection.remoteAddress().getAddress();
    Duration delay;
    if (proof) {
      delay = terms.chapDelays().before(from);
    } else if (paced) {
      return Duration.ZERO;
    } else {
      paced = true;
      delay = terms.loginPace().delay(from, terms.limits().loginRate());
      if (!delay.isZero()) {
        terms.counts().counters(LoginCounter.class).increment(LoginCounter.WAITED);
        admission.progressed(connection);
      }
    }
    Duration most = terms.limits().loginTimeout().dividedBy(4);
    return delay.compareTo(most) < 0 ? delay : most;
  }

  /** Goes on with a request that had to wait. */
  private void later(LoginRequest request, boolean proof) {
    if (connection.isClosing()) {
      return;
    }
    connection.attempt(() -> {
      proceed(request, proof);
      if (waiting == null) {
        connection.resume(Connection.Pause.LOGIN);
      }
    });
  }

  /**
   * Answers a request.
   *
   * @param proof whether it has the initiator's CHAP proof
   */
  private void proceed(LoginRequest request, boolean proof) {
    try {
      step(request);
      admission.progressed(connection);
    } catch (LoginRefusedException e) {
      if (proof && e.status() == LoginStatus.AUTHENTICATION_FAILURE) {
        terms.chapDelays().failed(connection.remoteAddress().getAddress());
      }
      refuse(request, e);
    } catch (MalformedPduException e) {
      refuse(request, LoginStatus.INITIATOR_ERROR, String.valueOf(e.getMessage()));
    }
  }

  /** The fields of an invalid request that its rejection needs. */
  private static LoginRequest unreadable(Pdu pdu) {
    return new LoginRequest(
        false,
        false,
        LoginStage.SECURITY_NEGOTIATION,
        LoginStage.SECURITY_NEGOTIATION,
        0,
        0,
        pdu.lun() >>> 16,
        (int) pdu.lun() & 0xffff,
        pdu.taskTag(),
        0,
        pdu.cmdSn(),
        pdu.expStatSn());
  }

  private void step(LoginRequest request) throws LoginRefusedException, MalformedPduException {
    if (request.versionMin() > 0) {
      throw new LoginRefusedException(
          LoginStatus.UNSUPPORTED_VERSION, "version " + request.versionMin());
    }
    if (first == null) {
      first = request;
      stage = request.current();
    } else if (request.isid() != first.isid()
        || request.tsih() != first.tsih()
        || request.taskTag() != first.taskTag()
        || request.connectionId() != first.connectionId()) {
      throw new MalformedPduException("login request of another login");
    }
    if (request.current() != stage) {
      throw new MalformedPduException("login request of another stage");
    }
    if (request.transit() && request.next().code() <= stage.code()) {
      throw new MalformedPduException("login goes back in its stages");
    }
    if (rest != null) {
      if (request.continues() || text.isReadable()) {
        throw new MalformedPduException("text in the middle of an answer");
      }
      respond(request, rest);
      return;
    }
    if (request.continues()) {
      respond(request, false, new byte[0]);
      return;
    }
    byte[] bytes = new byte[text.readableBytes()];
    text.readBytes(bytes).clear();
    Map<String, String> keys = Text.parse(bytes, bytes.length);
    Text answers = new Text();
    LoginNegotiation n = negotiation;
    if (n == null) {
      n = LoginNegotiation.begin(terms, connection, portal, request, keys, answers);
      negotiation = n;
    }
    boolean settled = n.step(stage, request.transit(), keys, answers);
    byte[] answer = answers.toBytes();
    if (answer.length > LONGEST_ANSWER) {
      respond(request, ByteBuffer.wrap(answer)); // the stage is left when all of it is there
    } else if (!request.transit() || !settled) {
      respond(request, false, answer);
    } else if (request.next() == LoginStage.FULL_FEATURE_PHASE) {
      finish(request, n, answer);
    } else {
      respond(request, true, answer);
      stage = request.next();
    }
  }

  /** Negotiation is complete: creates the session, which may have to wait for another one. */
  private void finish(LoginRequest request, LoginNegotiation n, byte[] answers) {
    NewSession session = admission.session(connection, n.agreed(request));
    waiting = session;
    connection.pause(Connection.Pause.LOGIN);
    session.admit(
        request.tsih(),
        connection.channel().eventLoop(),
        refusal -> {
          if (connection.isClosing()) {
            session.abandon();
          } else if (refusal != null) {
            session.abandon();
            refuse(request, refusal);
          } else {
            announce(request, session, answers, n);
          }
        });
  }

  /** Announces the session before the initiator may use it. */
  private void announce(
      LoginRequest request, NewSession session, byte[] answers, LoginNegotiation n) {
    var _ =
        session
            .announce()
            .whenCompleteAsync(
                (done, failure) -> {
                  if (connection.isClosing()) {
                    session.abandon();
                  } else if (failure != null) {
                    session.abandon();
                    refuse(request, LoginStatus.TARGET_ERROR, String.valueOf(failure.getMessage()));
                  } else {
                    enter(request, session, answers, n);
                  }
                },
                connection.channel().eventLoop());
  }

  private void enter(LoginRequest request, NewSession session, byte[] answers, LoginNegotiation n) {
    Connection.Phase phase;
    try {
      phase = session.open();
    } catch (LoginRefusedException e) {
      session.abandon();
      refuse(request, e);
      return;
    }
    done = true;
    timeout.cancel(false);
    admission.loggedIn(connection);
    connection.send(
        ColdPdus.loginResponse(
            response(
                request,
                true,
                false,
                session.tsih(),
                session.expCmdSn(),
                session.maxCmdSn(),
                LoginStatus.SUCCESS)),
        answers);
    connection.enter(phase, n.parameters().digests());
    connection.session(session.tsih());
    connection
        .in(LOG.atLevel(n.isDiscovery() ? Level.DEBUG : Level.INFO))
        .log("{}: logged in to {}", connection.peer(), session.describeTarget());
    connection.resume(Connection.Pause.LOGIN);
    connection.flush();
  }

  private void respond(LoginRequest request, boolean transit, byte[] answers) {
    respond(request, transit, false, answers);
  }

  /** Sends the next piece of a response. The rest is sent on the next request. */
  private void respond(LoginRequest request, ByteBuffer answers) {
    byte[] piece = new byte[Math.min(answers.remaining(), LONGEST_ANSWER)];
    answers.get(piece);
    rest = answers.hasRemaining() ? answers : null;
    respond(request, false, answers.hasRemaining(), piece);
  }

  private void respond(LoginRequest request, boolean transit, boolean continues, byte[] answers) {
    connection.send(
        ColdPdus.loginResponse(
            response(
                request,
                transit,
                continues,
                request.tsih(),
                request.cmdSn(),
                request.cmdSn(),
                LoginStatus.SUCCESS)),
        answers);
  }

  private LoginResponse response(
      LoginRequest request,
      boolean transit,
      boolean continues,
      int tsih,
      int expCmdSn,
      int maxCmdSn,
      LoginStatus status) {
    return new LoginResponse(
        transit,
        continues,
        request.current(),
        request.next(),
        request.isid(),
        tsih,
        request.taskTag(),
        connection.nextStatSn(),
        expCmdSn,
        maxCmdSn,
        status);
  }

  private void refuse(LoginRequest request, LoginStatus status, String reason) {
    refuse(request, new LoginRefusedException(status, reason));
  }

  private void refuse(LoginRequest request, LoginRefusedException refusal) {
    admission.refused(connection);
    LoginStatus status = refusal.answer();
    String cause =
        refusal.status() == status
            ? ""
            : String.format(" in place of %04x", refusal.status().code());
    // The status is part of the message, so that a flood with one does not hide another.
    connection
        .in(LOG.atWarn())
        .log(
            "{}: login{} refused with " + String.format("%04x", status.code()) + cause + ": {}",
            connection.peer(),
            negotiation == null ? "" : " to " + negotiation.target(),
            refusal.getMessage());
    terms.counts().counters(LoginRefusal.class).increment(LoginRefusal.with(refusal.status()));
    connection.send(
        ColdPdus.loginResponse(
            response(
                request, false, false, request.tsih(), request.cmdSn(), request.cmdSn(), status)),
        new byte[0]);
    connection.closeAfterSending();
  }

  @Override
  public void headerDigestWrong() {
    throw new IllegalStateException("login has no digests");
  }

  @Override
  public void closed() {
    timeout.cancel(false);
    if (!done) {
      if (waiting != null) {
        waiting.abandon();
      }
      connection.in(LOG.atDebug()).log("{}: closed before the end of login", connection.peer());
    }
  }
}
