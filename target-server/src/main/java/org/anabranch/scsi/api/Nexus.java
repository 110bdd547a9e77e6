// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.api;

import java.util.function.UnaryOperator;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * An I_T nexus: one session of an initiator port with a target port. Compared by identity: a
 * session that replaces another of the same name is another nexus.
 */
public abstract class Nexus {
  private final InitiatorPort initiator;
  private final TargetPort port;
  private final Registrant registrant;

  /** Set by any thread, and never taken back. */
  private volatile boolean used;

  /** Adds what identifies the transport's session; set by the transport. */
  private volatile UnaryOperator<LoggingEventBuilder> session = UnaryOperator.identity();

  protected Nexus(InitiatorPort initiator, TargetPort port) {
    this.initiator = initiator;
    this.port = port;
    registrant = new Registrant(initiator.portName(), port.relativeIdentifier());
  }

  public InitiatorPort initiator() {
    return initiator;
  }

  public TargetPort port() {
    return port;
  }

  /** The name by which persistent reservations identify this nexus. */
  public Registrant registrant() {
    return registrant;
  }

  /**
   * How a line of the log names the transport's session. A session that takes over the nexus sets
   * it anew. Any thread.
   *
   * @param names adds it to a line, on any thread
   */
  public void session(UnaryOperator<LoggingEventBuilder> names) {
    session = names;
  }

  /** Adds the transport's session to a line of the log. Any thread. */
  public LoggingEventBuilder in(LoggingEventBuilder line) {
    return session.apply(line);
  }

  /** A command of it reads, writes or reserves, so its initiator may know what is on the medium. */
  public void use() {
    if (!used) {
      used = true;
    }
  }

  /**
   * Whether {@link #use} was called. If not, the initiator has only asked what units there are. Any
   * thread.
   */
  public boolean isUsed() {
    return used;
  }

  @Override
  public String toString() {
    return initiator.portName() + " at " + port.portName();
  }
}
