// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Logs what is done to disks and judges it at once. What begins is in the log when its method
 * returns, so it must be called before the request is sent; what has ended must be recorded after
 * the answer. Thread-safe: the order of the calls is that of the log.
 */
public final class Recorder implements AutoCloseable {
  private final Path file;
  private final HistoryLog log; // guarded by this
  private final Checker checker; // guarded by this
  private final Map<Integer, Long> sequences = new HashMap<>(); // by writer; guarded by this
  private @Nullable Violation violation; // guarded by this
  private long events; // guarded by this

  /** Begins a log in a file that is absent. */
  public Recorder(Path file, boolean powerCuts) throws IOException {
    this.file = file;
    this.log = new HistoryLog(file);
    this.checker = new Checker(powerCuts);
  }

  /** The file of the log. */
  public Path file() {
    return file;
  }

  /** The first violation. */
  public synchronized Optional<Violation> violation() {
    return Optional.ofNullable(violation);
  }

  public synchronized long events() {
    return events;
  }

  /** A write, read or flush to this disk has begun and not ended. */
  public synchronized boolean isBusy(String disk) {
    return checker.isBusy(disk);
  }

  synchronized boolean flushDue(String disk) {
    return checker.flushDue(disk);
  }

  /** What has no answer: a note, a new, longer or removed disk, the death of the server. */
  public synchronized void happened(Event event) {
    try {
      log.append(event);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    events++;
    Violation found = checker.next(event);
    if (found != null && violation == null) {
      violation = found;
    }
  }

  private long next(int writer) {
    return new OperationId(writer, sequences.merge(writer, 1L, Long::sum)).value();
  }

  /** A write is about to be sent; its id, which is what the blocks must hold. */
  public synchronized long write(int writer, String disk, int first, int count, boolean fua) {
    long id = next(writer);
    happened(new Event.Write(id, disk, first, count, fua));
    return id;
  }

  /** A read is about to be sent. */
  public synchronized long read(int writer, String disk, int first, int count) {
    long id = next(writer);
    happened(new Event.Read(id, disk, first, count));
    return id;
  }

  /** A flush is about to be sent. */
  public synchronized long flush(int writer, String disk) {
    long id = next(writer);
    happened(new Event.Flush(id, disk));
    return id;
  }

  /** Snapshots or copies, by name, are about to be asked for, at one instant. */
  public synchronized long copy(int writer, Map<String, String> from) {
    long id = next(writer);
    happened(new Event.Copy(id, from));
    return id;
  }

  /** A rollback of volumes, by name, is about to be asked for, at one instant. */
  public synchronized long rollback(int writer, Map<String, String> to) {
    long id = next(writer);
    happened(new Event.Rollback(id, to));
    return id;
  }

  public void done(long id) {
    happened(new Event.Done(id));
  }

  /** See {@link Event.Failed}. */
  public void failed(long id) {
    happened(new Event.Failed(id));
  }

  /** See {@link Event.Refused}. */
  public void refused(long id) {
    happened(new Event.Refused(id));
  }

  @Override
  public synchronized void close() throws IOException {
    log.close();
  }
}
