// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.anabranch.server.control.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code anabranch cow} on stores that a Linux kernel wrote, and on lies told in them. */
final class CowTest {
  private static final Path GOLDEN = Path.of("../blockcore/src/test/resources/golden");
  private static final int CHUNK = 4096;

  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... words) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    return Main.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(words);
  }

  private Path golden(String name) throws IOException {
    Path file = folder.resolve(name);
    try (InputStream in =
        new GZIPInputStream(Files.newInputStream(GOLDEN.resolve(name + ".img.gz")))) {
      Files.copy(in, file);
    }
    return file;
  }

  /** The store of p8 with 22 exceptions in chunks of 4 KiB, and numbers put in. */
  private Path lie(Object... placesAndNumbers) throws IOException {
    Path file = golden("p8.before.cow");
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < placesAndNumbers.length; i += 2) {
      int at = (Integer) placesAndNumbers[i];
      if (placesAndNumbers[i + 1] instanceof Long number) {
        bytes.putLong(at, number);
      } else {
        bytes.putInt(at, (Integer) placesAndNumbers[i + 1]);
      }
    }
    Files.write(file, bytes.array());
    return file;
  }

  private static int record(int number) {
    return CHUNK + 16 * number;
  }

  @ParameterizedTest
  @CsvSource({
    "p1.before, 99, 4",
    "p1.mid1, -1, -1",
    "p1.after, 0, 1",
    "p8.before, 22, 1",
    "p8.mid1, -1, 1",
    "p8.mid2, -1, 1",
    "p8.after, 0, 1",
    "p32.before, -1, 1",
    "p32.mid1, -1, 1",
    "p32.after, 0, 1",
    "p8odd.before, -1, 1",
    "p8odd.after, 0, 1",
    "po8overflow.before, -1, 1"
  })
  void storesOfLinuxAreGoodInEveryState(String name, int exceptions, int areas) throws IOException {
    String cow = golden(name + ".cow").toString();
    String origin = golden(name + ".origin").toString();
    byte[] before = Files.readAllBytes(Path.of(cow));
    assertThat(run("cow", "check", cow, "--origin", origin)).as(out.toString()).isZero();
    assertThat(out.toString()).startsWith(cow + ": good, ");

    assertThat(run("cow", "dump", cow, "--json")).isZero();
    Map<String, Object> json = Json.parse(out.toString());
    assertThat(json).containsEntry("good", true).containsEntry("problem-count", 0);
    long counted =
        ((List<?>) requireNonNull(json.get("runs")))
            .stream()
                .mapToLong(
                    run -> ((Number) requireNonNull(((Map<?, ?>) run).get("count"))).longValue())
                .sum();
    assertThat(json.get("exceptions")).isEqualTo((int) counted);
    if (exceptions >= 0) {
      assertThat(counted).isEqualTo(exceptions);
    }
    if (areas >= 0) {
      assertThat((List<?>) json.get("areas")).hasSize(areas);
    }
    assertThat(Path.of(cow)).hasBinaryContent(before);
  }

  /** The runs that this store's record lists, taken down when the kernel wrote it. */
  @Test
  void dumpListsWhatTheKernelWrote() throws IOException {
    assertThat(run("cow", "dump", golden("p8.before.cow").toString())).isZero();
    assertThat(out.toString())
        .contains("magic 0x70416e53, valid 1, version 1, chunks of 8 sectors")
        .contains("area 0      at chunk 1, 22 of 256 records used")
        .contains("status      192/1024 16")
        .containsPattern("(?m)^ +3 +2 +1  0:0$")
        .containsPattern("(?m)^ +10 +3 +8  0:1$")
        .containsPattern("(?m)^ +100 +12 +4  0:10$");
    List<String> told =
        Files.readAllLines(GOLDEN.resolve("p8.txt")).stream()
            .dropWhile(line -> !line.startsWith("--- p8.before"))
            .takeWhile(line -> !line.startsWith("--- p8.mid1"))
            .filter(line -> line.startsWith("   old "))
            .map(line -> line.replaceAll(" old (\\d+)(-\\d+)? -> new (\\d+).*", "$1 $3").strip())
            .toList();
    List<String> dumped =
        out.toString()
            .lines()
            .filter(line -> line.matches(" +\\d+ +\\d+ +\\d+  \\d+:\\d+"))
            .map(line -> line.strip().replaceAll("^(\\d+) +(\\d+) .*", "$1 $2"))
            .toList();
    assertThat(dumped).isEqualTo(told).isNotEmpty();
  }

  @Test
  void anInvalidStoreIsBadAndStillDumped() throws IOException {
    String cow = golden("p8invalid.before.cow").toString();
    assertThat(run("cow", "check", cow)).isEqualTo(1);
    assertThat(out.toString()).contains("valid is 0: the snapshot was given up").endsWith("bad\n");
    assertThat(run("cow", "dump", cow)).isZero();
    assertThat(out.toString()).contains("status      Invalid").contains("exceptions  14");
  }

  private void bad(Path file, String... words) {
    assertThat(run("cow", "check", file.toString())).isEqualTo(1);
    for (String what : words) {
      assertThat(out.toString()).contains(file + ": " + what);
    }
    assertThat(run("cow", "check", "--json", file.toString())).isEqualTo(1);
    Map<String, Object> json = Json.parse(out.toString());
    assertThat(json).containsEntry("good", false).containsEntry("problem-count", words.length);
    assertThat((List<?>) json.get("problems")).hasSize(words.length);
    assertThat(run("cow", "dump", file.toString())).isZero();
    assertThat(out.toString()).contains(file + ": " + words[0]);
  }

  @Test
  void wrongMagic() throws IOException {
    bad(lie(0, 0x70416e54), "header: Invalid or corrupt snapshot: magic 0x70416e54 at byte 0");
  }

  @Test
  void magicOfNoStoreBeforeOneThatWas() throws IOException {
    bad(lie(0, 0), "header: magic is 0, what follows is not");
  }

  @Test
  void unknownVersion() throws IOException {
    bad(lie(8, 2), "header: unable to handle snapshot disk version 2");
  }

  @Test
  void chunkThatIsNoPowerOfTwo() throws IOException {
    bad(lie(12, 3), "header: invalid on-disk chunk size 3: Chunk size is not a power of 2.");
  }

  @Test
  void dataBeyondTheDevice() throws IOException {
    bad(
        lie(record(3) + 8, 128L, record(5) + 8, -1L),
        "area 0 at chunk 1, record 3: data at chunk 128, beyond the end of ",
        "area 0 at chunk 1, record 5: data at chunk 18446744073709551615, beyond the end of ");
  }

  @Test
  void dataInMetadata() throws IOException {
    bad(
        lie(record(21) + 8, 1L),
        "area 0 at chunk 1, record 21: data at chunk 1, which is metadata");
  }

  @Test
  void oneChunkTwice() throws IOException {
    bad(lie(record(21), 3L), "area 0 at chunk 1, record 21: a second exception for chunk 3");
  }

  @Test
  void twoExceptionsInOnePlace() throws IOException {
    bad(
        lie(record(21) + 8, 2L),
        "area 0 at chunk 1, record 21: data at chunk 2, where another exception's data is");
  }

  @Test
  void beyondTheOriginsEnd() throws IOException {
    Path cow = lie(record(21), 256L);
    Path origin = golden("p8.before.origin");
    assertThat(run("cow", "check", cow.toString())).isZero();
    assertThat(run("cow", "check", cow.toString(), "--origin", origin.toString())).isEqualTo(1);
    assertThat(out.toString())
        .contains(
            "area 0 at chunk 1, record 21: an exception for chunk 256, beyond the origin's end at"
                + " chunk 256");
  }

  @Test
  void truncatedFiles() throws IOException {
    Path store = golden("p1.before.cow");
    byte[] bytes = Files.readAllBytes(store);
    // Chunks of a sector: 32 records in an area, so that area 1 is chunk 34.
    Files.write(store, java.util.Arrays.copyOf(bytes, 34 * 512));
    assertThat(run("cow", "check", store.toString())).isEqualTo(1);
    assertThat(out.toString())
        .contains("the list goes on in area 1 at chunk 34, beyond the end of " + store);

    Files.write(store, java.util.Arrays.copyOf(bytes, 511));
    assertThat(run("cow", "check", store.toString())).isEqualTo(1);
    assertThat(err.toString()).contains(store + ": has 511 bytes, less than a sector");
  }

  @Test
  void nothingThereYet() throws IOException {
    Path zeros = Files.write(folder.resolve("zeros"), new byte[8192]);
    assertThat(run("cow", "check", zeros.toString())).isZero();
    assertThat(out.toString()).contains("no store yet");
  }

  /** As that of an ext4 file system, whose superblock is at 1024. */
  @Test
  void anImageThatBeginsWithZerosIsNoStore() throws IOException {
    byte[] image = new byte[1 << 20];
    image[1024 + 56] = 0x53;
    image[1024 + 57] = (byte) 0xef;
    Path file = Files.write(folder.resolve("ext4.img"), image);
    assertThat(run("cow", "check", file.toString())).isEqualTo(1);
    assertThat(out.toString())
        .isEqualTo(
            file
                + ": header: no store: it begins with zeros, and other data follows\n"
                + file
                + ": bad\n");
  }

  @Test
  void usageAndAbsentFiles() {
    assertThat(run("cow")).isEqualTo(2);
    assertThat(run("cow", "check")).isEqualTo(2);
    assertThat(run("cow", "mend", "x")).isEqualTo(2);
    assertThat(run("cow", "check", folder.resolve("absent").toString())).isEqualTo(1);
    assertThat(err.toString()).contains("absent: No such file or directory");
  }

  @Test
  void aStoreInUseIsLeftAlone() throws Exception {
    String configuration =
        """
        anabranch {
          portals = ["127.0.0.1:0"], state-dir = state
          volumes { vm1 { path = vm1.img, size = 1 MiB } }
          targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
        }
        """;
    try (ServerProcess server = ServerProcess.serving(folder, configuration)) {
      String socket = folder.resolve("state/control.sock").toString();
      assertThat(run("snapshot", "create", "vm1@a", "--socket", socket)).isZero();
      String store = folder.resolve("state/cow/vm1@a.cow").toString();
      assertThat(run("cow", "check", store)).isEqualTo(1);
      assertThat(err.toString()).contains("in use: another process, such as another server");
      assertThat(server.terminate()).isZero();
      assertThat(run("cow", "check", store, "--origin", folder.resolve("vm1.img").toString()))
          .isZero();
      assertThat(out.toString()).contains("good, 0 exceptions in 1 area");
    }
  }

  @Test
  void readersMayShareAStore() throws IOException {
    Path cow = golden("p8.before.cow");
    try (FileChannel other = FileChannel.open(cow, StandardOpenOption.READ);
        FileLock lock = other.lock(0, Long.MAX_VALUE, true)) {
      assertThat(lock.isShared()).isTrue();
      assertThat(run("cow", "check", cow.toString())).isZero();
    }
  }
}
