// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Makes system calls of a server's process fail, chosen by kind, file and number: {@code faults.c},
 * compiled here and loaded into the process by LD_PRELOAD. One thread.
 */
final class SystemCallFaults {
  /** Kinds of calls. */
  static final int READ = 1;

  static final int WRITE = 2;
  static final int SYNC = 4;

  /** ftruncate, fallocate. */
  static final int LENGTH = 8;

  /** rename, unlink, and open where it may make a file. */
  static final int NAME = 16;

  static final int THREAD = 32;
  static final int FILES = READ | WRITE | SYNC | LENGTH | NAME;

  /** Errors, as Linux numbers them. */
  static final int EIO = 5;

  static final int EAGAIN = 11;
  static final int ENOSPC = 28;

  /** What happens to the call. */
  enum Kind {
    COUNT_ONLY(0),
    ERROR(1),
    SHORT(2),
    HANG(3);

    private final int number;

    Kind(int number) {
      this.number = number;
    }
  }

  private static final int BYTES = 4096;
  private static final int COUNT = 32;
  private static final int HITS = 40;
  private static final int MATCH = 48;
  private static final int EXCEPT = MATCH + 256;
  private static final int HIT_PATH = EXCEPT + 256;
  private static final int HIT_CALL = HIT_PATH + 256;
  private static final int PATH_BYTES = 255;

  private final Path library;
  private final Path file;
  private final ByteBuffer control;

  private SystemCallFaults(Path library, Path file, ByteBuffer control) {
    this.library = library;
    this.file = file;
    this.control = control;
  }

  /** Compiles the library into {@code folder}; the test is skipped where gcc is missing. */
  static SystemCallFaults compile(Path folder) throws Exception {
    Tools.require("gcc");
    Path source = folder.resolve("faults.c");
    Path library = folder.resolve("faults.so");
    try (InputStream in = SystemCallFaults.class.getResourceAsStream("faults/faults.c")) {
      Files.copy(Objects.requireNonNull(in), source);
    }
    Tools.run(
            60,
            "gcc",
            "-shared",
            "-fPIC",
            "-O1",
            "-Wall",
            "-Werror",
            "-o",
            library.toString(),
            source.toString(),
            "-ldl",
            "-lpthread")
        .expect(0);
    Path file = folder.resolve("faults.control");
    Files.write(file, new byte[BYTES]);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer control = channel.map(FileChannel.MapMode.READ_WRITE, 0, BYTES);
      return new SystemCallFaults(library, file, control.order(ByteOrder.nativeOrder()));
    }
  }

  /** Serves a site's configuration in a process whose calls can fail. */
  ServerProcess serve(Site site, String... options) throws IOException {
    List<String> line =
        new ArrayList<>(List.of("serve", "--config", site.configuration.toString()));
    line.addAll(List.of(options));
    Map<String, String> environment =
        Map.of("LD_PRELOAD", library.toString(), "FAULTS", file.toString());
    return new ServerProcess(site.folder, environment, line.toArray(String[]::new)).ready();
  }

  /**
   * From now on the calls of these kinds are counted, and number {@code number} of them has the
   * fault.
   *
   * @param match part of the path of each file that counts
   * @param except part of the path of each file that does not
   * @param lasting also all later calls of that kind on that file
   */
  void arm(
      Kind kind, int error, int calls, long number, boolean lasting, String match, String except) {
    disarm();
    control.putInt(4, kind.number);
    control.putInt(8, error);
    control.putInt(12, calls);
    control.putInt(16, lasting ? 1 : 0);
    control.putLong(24, number);
    control.putLong(COUNT, 0);
    control.putLong(HITS, 0);
    text(MATCH, match);
    text(EXCEPT, except);
    text(HIT_PATH, "");
    control.putInt(HIT_CALL, 0);
    control.putInt(0, 1);
  }

  /** No more faults; calls that hang go on. */
  void disarm() {
    control.putInt(0, 0);
  }

  long count() {
    return control.getLong(COUNT);
  }

  /** How many calls had a fault since it was armed. */
  long hits() {
    return control.getLong(HITS);
  }

  /** The path of the file whose call had the fault; empty: none had. */
  String hitPath() {
    byte[] bytes = new byte[PATH_BYTES];
    control.get(HIT_PATH, bytes);
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }

  /** The kind of the call that had the fault. */
  int hitCall() {
    return control.getInt(HIT_CALL);
  }

  private void text(int at, String text) {
    byte[] bytes = new byte[PATH_BYTES + 1];
    byte[] from = text.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(from, 0, bytes, 0, Math.min(from.length, PATH_BYTES));
    control.put(at, bytes);
  }
}
