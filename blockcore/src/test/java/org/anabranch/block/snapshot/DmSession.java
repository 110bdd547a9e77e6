// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.dm.SuspendMode;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.testing.TestDevice;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * What the recorded Linux session did, by the names of its shell functions, done here; and what is
 * printed, in Linux's form. Volumes bear the numbers that Linux prints for its devices.
 */
final class DmSession implements AutoCloseable {
  static final int ORIGIN_SECTORS = 2048;

  /** What was printed, and the reasons of all refusals. */
  final List<String> printed = new ArrayList<>();

  final List<String> refused = new ArrayList<>();

  /** What Linux has no words for, or says on another occasion. */
  private static final Pattern OURS_ALONE =
      Pattern.compile("can't write exceptions of area|less than a chunk of|no room for area 0");

  private static final Logger LOG = (Logger) LoggerFactory.getLogger("org.anabranch.block");

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final @Nullable Level before = LOG.getLevel();
  private final Bench bench = new Bench();
  private final TestDevice vda = new TestDevice("254:0", ORIGIN_SECTORS);
  private final TestDevice vdb = new TestDevice("254:16", 128);
  final TestDevice vdc = new TestDevice("254:32", 1024);
  private final TestDevice vdd = new TestDevice("254:48", 1024);

  DmSession() {
    bench.add(vda, vdb, vdc, vdd);
    LOG.setLevel(Level.WARN);
    log.start();
    LOG.addAppender(log);
    z();
  }

  @Override
  public void close() {
    LOG.detachAppender(log);
    LOG.setLevel(before);
  }

  /** Warnings and errors that were logged, without the names in front of them. */
  List<String> logged() {
    return log.list.stream()
        .map(ILoggingEvent::getFormattedMessage)
        .filter(message -> !OURS_ALONE.matcher(message).find())
        .map(message -> message.replaceFirst("^(persistent snapshot|\\w+|\\d+:\\d+): ", ""))
        .toList();
  }

  /** Begins a new part of the record, on what there is. */
  void forget() {
    printed.clear();
    forgetLog();
  }

  void forgetLog() {
    log.list.clear();
  }

  void say(String text) {
    printed.add(text);
  }

  void z() {
    vda.pattern('O');
    for (TestDevice cow : List.of(vdb, vdc, vdd)) {
      Arrays.fill(cow.bytes(), (byte) 0);
    }
  }

  private static String toNames(String table) {
    return table
        .replace("/dev/vda", "254:0")
        .replace("/dev/vdb", "254:16")
        .replace("/dev/vdc", "254:32")
        .replace("/dev/vdd", "254:48")
        .replace("/dev/mapper/", "");
  }

  /** Linux numbers its mapped devices from 253:0 on; in the session each of these was first. */
  private static String toNumbers(String line) {
    return line.replaceAll(" l[oc] ", " 253:0 ");
  }

  boolean mk(String name, String table) {
    say("$ dmsetup create " + name + " --table '" + table + "'");
    return succeeds(() -> bench.create(name, toNames(table)));
  }

  boolean load(String name, String table) {
    return succeeds(() -> bench.await(bench.mapper.load(name, toNames(table))));
  }

  boolean suspend(String name) {
    return succeeds(() -> bench.await(bench.mapper.suspend(name, SuspendMode.FLUSH)));
  }

  boolean resume(String name) {
    return succeeds(() -> bench.await(bench.mapper.resume(name)));
  }

  void info(String name) throws TableException {
    var info = bench.mapper.info(name);
    say("State:             " + (info.suspended() ? "SUSPENDED" : "ACTIVE"));
    say(
        "Tables present:    "
            + (info.live() ? "LIVE" : "None")
            + (info.inactive() ? " & INACTIVE" : ""));
  }

  void rmv(String... names) throws TableException {
    for (String name : names) {
      bench.remove(name);
    }
  }

  private interface Verb {
    void run() throws TableException;
  }

  private boolean succeeds(Verb verb) {
    try {
      verb.run();
      return true;
    } catch (TableException e) {
      refused.add(String.valueOf(e.getMessage()).replaceFirst("^line \\d+: ", ""));
      return false;
    }
  }

  void st(String... names) throws TableException {
    bench.scheduler.runToQuiescence();
    for (String name : names) {
      say("$ dmsetup status " + name);
      say(bench.mapper.status(name));
      say("$ dmsetup table " + name);
      say(toNumbers(bench.mapper.table(name)));
    }
  }

  void status(String name) throws TableException {
    say(bench.mapper.status(name));
  }

  private BlockDevice device(String name) throws TableException {
    return bench.mapper.device(name);
  }

  void rd(String name, long chunk) throws TableException {
    bench.scheduler.runToQuiescence();
    boolean good = bench.read(device(name), chunk * 8, ByteBuffer.allocateDirect(4096)).good();
    say(
        "  read /dev/mapper/"
            + name
            + " chunk "
            + chunk
            + ": "
            + (good ? "ok" : "dd: error reading '/dev/mapper/" + name + "': Input/output error"));
  }

  void wr(String name, long chunk) throws TableException {
    boolean good = bench.put(device(name), 'S', chunk * 8, 8).good();
    say("  write /dev/mapper/" + name + " chunk " + chunk + ": " + (good ? "ok" : ddError(name)));
  }

  private static String ddError(String name) {
    return "dd: error writing '/dev/mapper/" + name + "': Input/output error";
  }

  void ddSector(String name, long sector) throws TableException {
    if (!bench.put(device(name), 'S', sector, 1).good()) {
      say(ddError(name));
    }
  }

  void put(char tag, String name, long chunk, long count) throws TableException {
    for (long i = 0; i < count; i++) {
      if (!bench.put(device(name), tag, (chunk + i) * 8, 8).good()) {
        throw new AssertionError("put " + tag + " " + name + " " + (chunk + i));
      }
    }
  }

  void fill() throws TableException {
    z();
    bench.create("s", toNames("0 2048 snapshot /dev/vda /dev/vdc P 8"));
    put('S', "s", 0, 4);
    put('S', "s", 20, 1);
    put('S', "s", 255, 1);
    put('S', "s", 40, 1);
    status("s");
    rmv("s");
  }

  String sum(String name) throws TableException {
    return Bench.sha256(bench.view(device(name)));
  }

  void view(String name) throws TableException {
    say("view " + sum(name));
  }

  void discard(String name, long bytes, long count, String result) throws TableException {
    Bench.Outcome outcome = new Bench.Outcome();
    boolean good =
        bench.run(device(name), Io.discard(bytes / 512, count / 512, outcome::end), outcome).good();
    if (!good) {
      say("blkdiscard: /dev/mapper/" + name + ": BLKDISCARD ioctl failed: Operation not supported");
    }
    say(result + (good ? 0 : 1));
  }

  void writeZeroes(String name, long bytes, long count) throws TableException {
    Bench.Outcome outcome = new Bench.Outcome();
    boolean good =
        bench
            .run(
                device(name),
                Io.writeZeroes(bytes / 512, count / 512, false, outcome::end),
                outcome)
            .good();
    say("-z rc=" + (good ? 0 : 1));
  }

  /** {@code od -c} of 16 bytes. */
  void od(String name, long sector) throws TableException {
    ByteBuffer data = ByteBuffer.allocateDirect(512);
    bench.read(device(name), sector, data);
    StringBuilder line = new StringBuilder("0000000");
    for (int i = 0; i < 16; i++) {
      char c = (char) data.get(i);
      line.append("%4s".formatted(c == 0 ? "\\0" : c == '\n' ? "\\n" : c));
    }
    say(line.toString());
    say("0000020");
  }

  void header(byte[] bytes) {
    System.arraycopy(bytes, 0, vdc.bytes(), 0, bytes.length);
  }
}
