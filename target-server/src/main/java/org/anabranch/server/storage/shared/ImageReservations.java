// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.shared;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.anabranch.scsi.reservation.SharedRecord;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.PortNumbers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Persistent reservations of a disk that several servers show: a text that the image of its volume
 * carries. What is to be done waits for what was asked for before, on a thread that may wait; so
 * many wait as the unit has commands. Any thread.
 */
public final class ImageReservations implements SharedRecord {
  private static final Logger LOG = LoggerFactory.getLogger(ImageReservations.class);

  private final SharedImage image;
  private final String key;
  private final PortNumbers ports;
  private final Executor threads;

  /** The end of what was asked for last. */
  @GuardedBy("this")
  private CompletableFuture<?> last = CompletableFuture.completedFuture(null);

  /**
   * @param disk the key of the unit's state, see {@link org.anabranch.scsi.data.UnitIdentity#id}
   * @param ports also gets those of other servers
   */
  public ImageReservations(SharedImage image, String disk, PortNumbers ports) {
    this.image = image;
    this.key = SharedImage.RESERVATIONS + disk;
    this.ports = ports;
    Thread.Builder thread = Thread.ofVirtual().name("reservations " + disk);
    this.threads = thread::start;
  }

  @Override
  public String read() throws IOException {
    return image.look(key);
  }

  @Override
  public boolean isOwner() {
    return image.isHere();
  }

  @Override
  public boolean exchange(String expected, String text, Writer writer) throws IOException {
    return writer == Writer.OWNER
        ? image.exchangeHere(key, expected, text)
        : image.exchange(key, expected, text);
  }

  @Override
  public int number(String targetPort) throws IOException {
    try {
      return ports.number(targetPort, port -> true);
    } catch (RefusedException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  @Override
  public String port(int number) throws IOException {
    String name = ports.port(number);
    if (name == null) {
      throw new IOException("no target port has the number " + number);
    }
    return name;
  }

  @Override
  public String remedy() {
    return "give them up, so that every host may write: " + image.removal(key);
  }

  @Override
  public void later(Runnable task) {
    synchronized (this) {
      last = last.handleAsync((before, failure) -> run(task), threads);
    }
  }

  private static boolean run(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.error("a command about persistent reservations failed", e);
    }
    return true;
  }
}
