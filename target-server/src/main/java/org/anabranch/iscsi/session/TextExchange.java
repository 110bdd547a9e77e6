// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Map;
import org.anabranch.iscsi.login.Key;
import org.anabranch.iscsi.login.Negotiation;
import org.anabranch.iscsi.login.SessionType;
import org.anabranch.iscsi.login.Text;
import org.anabranch.iscsi.wire.Connection;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.jscsi.ColdPdus;
import org.anabranch.jscsi.MalformedPduException;
import org.anabranch.jscsi.TextRequest;

/**
 * Text requests in full feature phase (RFC 7143 7.4, 11.10): discovery, and the one parameter that
 * may change there. One exchange at a time; a new one (transfer tag 0xffffffff) ends an old one.
 * Longer answers go out in pieces, each asked for by an empty request with the tag of the one
 * before.
 *
 * <pre>
 *   what happens to                                  answer
 *   a transfer tag that is not the last one given    Reject (invalid PDU field)
 *   another task tag within an exchange              Reject (invalid PDU field)
 *   more text than {@value #MAX_TEXT} bytes, or while an answer goes out
 *                                                    Reject (protocol error), the exchange ends
 *   text that is not key=value, F and C together     Reject (invalid PDU field), likewise
 *   SendTargets with a value, or a spelling, that there is not
 *                                                    Reject (protocol error), likewise
 *   InitiatorAlias, an answer to nothing that we asked
 *                                                    nothing about that key
 *   a key that only a login negotiates               that key is answered with Reject
 *   any other key                                    that key is answered with NotUnderstood
 * </pre>
 *
 * Owned by the session's event loop.
 */
final class TextExchange {
  private static final int MAX_TEXT = 8192;
  private static final String SEND_TARGETS = Key.SEND_TARGETS.text();

  private final SessionTerms terms;
  private final Session session;
  private final CommandWindow window;
  private final ByteArrayOutputStream asked = new ByteArrayOutputStream();
  private byte[] answer = {};
  private int answered;
  private int transferTag = Pdu.NO_TAG;
  private int lastTransferTag;
  private int taskTag;

  TextExchange(SessionTerms terms, Session session, CommandWindow window) {
    this.terms = terms;
    this.session = session;
    this.window = window;
  }

  void request(Pdu pdu, byte[] data, Rejects rejects) throws MalformedPduException {
    TextRequest request = ColdPdus.textRequest(pdu.basicHeader());
    boolean begins = request.transferTag() == Pdu.NO_TAG;
    if (request.taskTag() == Pdu.NO_TAG
        || (!begins && (request.transferTag() != transferTag || request.taskTag() != taskTag))) {
      rejects.send(pdu, Rejects.INVALID_PDU_FIELD);
      return;
    }
    if (begins) {
      reset();
      taskTag = request.taskTag();
    }
    boolean answering = answered < answer.length;
    if (asked.size() + data.length > MAX_TEXT
        || (answering && (data.length > 0 || request.continues()))) {
      reset();
      rejects.send(pdu, Rejects.PROTOCOL_ERROR);
      return;
    }
    asked.writeBytes(data);
    if (request.continues()) {
      window.pass(pdu);
      respond(request, false, false, new byte[0]);
      return;
    }
    if (asked.size() > 0) {
      byte[] text = asked.toByteArray();
      reset();
      Map<String, String> keys = Text.parse(text, text.length);
      if (!isSpeltRight(keys)) {
        rejects.send(pdu, Rejects.PROTOCOL_ERROR);
        return;
      }
      answer = answer(keys);
    }
    window.pass(pdu);
    int length =
        Math.min(answer.length - answered, session.parameters().maxSendDataSegmentLength());
    byte[] piece = Arrays.copyOfRange(answer, answered, answered + length);
    answered += length;
    boolean more = answered < answer.length;
    respond(request, !more && request.isFinal(), more, piece);
  }

  /**
   * False for what asks for targets in a way that there is none: it is rejected as a whole.
   * libiscsi, for one, takes any key in an answer that it did not ask for as the end of the
   * connection, and waits for ever.
   */
  private boolean isSpeltRight(Map<String, String> keys) {
    return keys.entrySet().stream()
        .allMatch(pair ->
            pair.getKey().equals(SEND_TARGETS)
                ? terms.sendTargets().isRequest(pair.getValue())
                : !pair.getKey().regionMatches(true, 0, SEND_TARGETS, 0, SEND_TARGETS.length()));
  }

  private void reset() {
    asked.reset();
    answer = new byte[0];
    answered = 0;
    transferTag = Pdu.NO_TAG;
  }

  private void respond(TextRequest request, boolean isFinal, boolean more, byte[] piece) {
    if (isFinal) {
      reset();
    } else if (transferTag == Pdu.NO_TAG) {
      lastTransferTag = lastTransferTag + 1 & 0x7fffffff;
      transferTag = lastTransferTag;
    }
    Connection connection = session.connection();
    connection.send(
        ColdPdus.textResponse(
            isFinal,
            more,
            request.taskTag(),
            isFinal ? Pdu.NO_TAG : transferTag,
            connection.nextStatSn(),
            session.expCmdSn(),
            session.maxCmdSn()),
        piece);
  }

  private byte[] answer(Map<String, String> keys) throws MalformedPduException {
    Text answers = new Text();
    String which = keys.remove(SEND_TARGETS);
    if (which != null) {
      terms.sendTargets().answer(session, which, answers);
    }
    Negotiation declarations =
        new Negotiation(terms.limits(), session.parameters(), SessionType.DISCOVERY);
    for (Map.Entry<String, String> offer : keys.entrySet()) {
      Key key = Key.named(offer.getKey());
      if (key != null && key.scope() == Key.Scope.ANYWHERE) {
        declarations.answer(Map.of(offer.getKey(), offer.getValue()), answers);
      } else if (!Negotiation.isAnswer(offer.getValue())) {
        answers.add(offer.getKey(), key == null ? Negotiation.NOT_UNDERSTOOD : Negotiation.REJECT);
      }
    }
    return answers.toBytes();
  }
}
