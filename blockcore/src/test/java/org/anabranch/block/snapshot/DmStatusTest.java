// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.anabranch.block.dm.TableException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A recorded session with a Linux kernel, step by step: table lines, status lines, which requests
 * succeed, and the words of every refusal are the same here.
 */
final class DmStatusTest {
  private static final List<String> RECORD = Golden.text("dm-status.console.txt").lines().toList();

  private static final Pattern REFUSAL =
      Pattern.compile(
          "KMSG \\[.*\\] device-mapper: (?:table: \\d+:\\d+: (.*?)(?: \\(-E\\w+\\))?"
              + "|snapshots: (Unable to perform .*))");

  /** What Linux logs besides. */
  private static final Pattern LOGGED =
      Pattern.compile("KMSG \\[.*\\] device-mapper: (?:persistent snapshot|snapshots): (.*)");

  private final DmSession dm = new DmSession();

  @AfterEach
  void end() {
    dm.close();
  }

  /** Compares with a section of the record, given by its letter. */
  private void isAsRecorded(String section) {
    List<String> printed = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    List<String> logged = new ArrayList<>();
    boolean here = false;
    for (String line : RECORD) {
      if (line.startsWith("=== ")) {
        here = line.startsWith("=== " + section + " ");
      } else if (here) {
        Matcher refusal = REFUSAL.matcher(line);
        Matcher words = LOGGED.matcher(line);
        if (words.matches() && !refusal.matches()) {
          logged.add(words.group(1));
        }
        if (refusal.matches()) {
          String reason = refusal.group(1) == null ? refusal.group(2) : refusal.group(1);
          if (!reason.contains("preresume failed") && !reason.startsWith("Cannot calculate")) {
            refused.add(reason.replace("vda too", "snapshot: 254:0 too"));
          }
        } else if (isOutput(line)) {
          printed.add(line.replaceAll("\\p{Cntrl}", "")); // the header's bytes were echoed
        }
      }
    }
    assertThat(printed).as("the record has section %s", section).isNotEmpty();
    assertThat(dm.printed).containsExactlyElementsOf(printed);
    areInTheWordsOf(dm.refused, refused);
    List<String> ours = new ArrayList<>(dm.logged());
    ours.removeIf(
        line -> line.startsWith("it can't be synced")); // Linux does not sync a store first
    areInTheWordsOf(ours, logged);
  }

  /** Linux's words, and behind them perhaps what is wrong in particular. */
  private static void areInTheWordsOf(List<String> ours, List<String> linux) {
    assertThat(ours).hasSameSizeAs(linux);
    for (int i = 0; i < linux.size(); i++) {
      assertThat(ours.get(i)).matches(Pattern.quote(linux.get(i)) + "(:? .*|)");
    }
  }

  /** Leaves out what says only that a command failed, which the refusals have. */
  private static boolean isOutput(String line) {
    return !line.startsWith("KMSG")
        && !line.startsWith("removed ")
        && !line.startsWith("device-mapper: ")
        && !line.equals("Command failed.")
        && !line.equals("  rc=1")
        && !line.equals("Device does not exist.")
        && !line.isEmpty()
        && !line.startsWith("LAB-")
        && !line.startsWith("[");
  }

  @Test
  void transientStoreFillsUp() throws TableException {
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdb N 8");
    dm.mk("o", "0 2048 snapshot-origin /dev/vda");
    dm.st("s");
    dm.put('S', "s", 0, 16);
    dm.st("s");
    dm.wr("s", 20);
    dm.st("s");
    dm.rd("s", 0);
    dm.rmv("s", "o");
    isAsRecorded("A");
  }

  private void overflow() throws TableException {
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdb PO 8");
    dm.mk("o", "0 2048 snapshot-origin /dev/vda");
    dm.st("s");
    dm.put('S', "s", 0, 14);
    dm.st("s");
    dm.wr("s", 20);
    dm.st("s");
    dm.rd("s", 0);
    dm.wr("s", 0);
    dm.wr("o", 0);
    dm.st("s");
    dm.wr("o", 30);
    dm.st("s");
    dm.rd("s", 0);
    dm.rmv("s");
  }

  @Test
  void storeOverflowsAndIsThenInvalidated() throws TableException {
    overflow();
    isAsRecorded("B");
  }

  @Test
  void invalidStoreIsLoadedAgain() throws TableException {
    overflow();
    dm.forget();
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdb PO 8");
    dm.say("rc=0");
    dm.st("s");
    dm.rd("s", 0);
    dm.wr("s", 0);
    dm.rmv("s", "o");
    isAsRecorded("D");
  }

  @Test
  void invalidStoreIsMerged() throws TableException {
    overflow();
    dm.rmv("o");
    dm.forget();
    dm.mk("m", "0 2048 snapshot-merge /dev/vda /dev/vdb P 8");
    dm.say("rc=0");
    dm.st("m");
    dm.rd("m", 0);
    dm.wr("m", 0);
    dm.rmv("m");
    isAsRecorded("E");
  }

  @Test
  void transientStoreIsNotMerged() {
    dm.mk("m", "0 2048 snapshot-merge /dev/vda /dev/vdb N 8");
    dm.say("$ dmsetup status m");
    dm.say("$ dmsetup table m");
    isAsRecorded("F");
  }

  @Test
  void emptyStoreIsMerged() throws TableException {
    dm.mk("m", "0 2048 snapshot-merge /dev/vda /dev/vdb PO 8");
    dm.st("m");
    dm.wr("m", 3);
    dm.st("m");
    dm.rmv("m");
    isAsRecorded("G");
  }

  private static String withError(String device, long sector, long end) {
    return "0 %d linear %s 0\n%d 8 error\n%d %d linear %s %d"
        .formatted(sector, device, sector, sector + 8, end - sector - 8, device, sector + 8);
  }

  @Test
  void mergeMeetsWriteErrorOnOrigin() throws TableException {
    dm.fill();
    mkTable("lo", withError("/dev/vda", 160, 2048));
    dm.mk("m", "0 2048 snapshot-merge /dev/mapper/lo /dev/vdc P 8");
    dm.st("m");
    dm.rd("m", 0);
    dm.rd("m", 255);
    dm.rd("m", 100);
    dm.wr("m", 0);
    dm.wr("m", 100);
    dm.wr("m", 20);
    dm.st("m");
    dm.rmv("m", "lo");
    isAsRecorded("H1");
  }

  /** A table of several lines prints as such. */
  private void mkTable(String name, String table) {
    dm.mk(name, table);
    List<String> lines = dm.printed.removeLast().lines().toList();
    dm.printed.addAll(lines);
  }

  @Test
  void mergeMeetsReadErrorOnCow() throws TableException {
    dm.fill();
    mkTable("lc", withError("/dev/vdc", 40, 1024));
    dm.mk("m", "0 2048 snapshot-merge /dev/vda /dev/mapper/lc P 8");
    dm.st("m");
    dm.rd("m", 0);
    dm.rd("m", 3);
    dm.rmv("m", "lc");
    isAsRecorded("H2");
  }

  private void metadataWriteError() throws TableException {
    dm.fill();
    mkTable(
        "lc",
        """
        0 8 linear /dev/vdc 0
        8 8 flakey /dev/vdc 8 0 1 1 error_writes
        16 1008 linear /dev/vdc 16\
        """);
    dm.mk("m", "0 2048 snapshot-merge /dev/vda /dev/mapper/lc P 8");
    dm.st("m");
    dm.rd("m", 0);
    dm.wr("m", 50);
    dm.st("m");
    dm.rmv("m");
  }

  @Test
  void mergeMeetsMetadataWriteError() throws TableException {
    metadataWriteError();
    dm.forgetLog(); // the record has it in H4
    isAsRecorded("H3");
  }

  private void snapshotMetadataWriteError() throws TableException {
    metadataWriteError();
    dm.printed.clear();
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/mapper/lc P 8");
    dm.st("s");
    dm.wr("s", 77);
    dm.st("s");
    dm.rmv("s", "lc");
  }

  @Test
  void snapshotMeetsMetadataWriteError() throws TableException {
    snapshotMetadataWriteError();
    isAsRecorded("H4");
  }

  @Test
  void storeCannotBeRead() throws TableException {
    snapshotMetadataWriteError();
    dm.forget();
    mkTable("lc", withError("/dev/vdc", 8, 1024));
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/mapper/lc P 8");
    dm.rmv("s", "lc");
    mkTable("lc", "0 8 error\n8 1016 linear /dev/vdc 8");
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/mapper/lc P 8");
    dm.rmv("lc");
    isAsRecorded("H5");
  }

  @Test
  void copyMeetsReadErrorOnOrigin() throws TableException {
    mkTable("lo", withError("/dev/vda", 160, 2048));
    dm.mk("s", "0 2048 snapshot /dev/mapper/lo /dev/vdc P 8");
    dm.mk("o", "0 2048 snapshot-origin /dev/mapper/lo");
    dm.wr("s", 3);
    dm.rd("s", 20);
    dm.st("s");
    dm.ddSector("s", 161);
    dm.st("s");
    dm.rmv("s", "o", "lo");
    isAsRecorded("H6");
  }

  @Test
  void tableVariants() throws TableException {
    for (String variant :
        List.of(
            "P 0",
            "P 3",
            "P 7",
            "P",
            "X 8",
            "P 8 0",
            "P 8 1 discard_zeroes_cow",
            "P 8 2 discard_zeroes_cow discard_passdown_origin",
            "P 8 1 discard_passdown_origin",
            "P 8 1 bogus",
            "P 8 3 a",
            "N 0",
            "n 8",
            "p 8",
            "P 4096",
            "POX 8",
            "P 16 0",
            "PO 2",
            "P 1")) {
      dm.z();
      dm.say("--- " + variant);
      if (dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdc " + variant)) {
        dm.st("s");
        dm.rmv("s");
      }
    }
    isAsRecorded("I");
  }

  @Test
  void chunkSizeOfHeaderWins() throws TableException {
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdc P 8");
    dm.rmv("s");
    for (int chunk : new int[] {16, 0, 4}) {
      dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdc P " + chunk);
      dm.st("s");
      dm.rmv("s");
    }
    isAsRecorded("J");
  }

  private void header(int valid, int version, int chunk) throws TableException {
    dm.z();
    dm.header(
        new byte[] {
          'S', 'n', 'A', 'p', (byte) valid, 0, 0, 0, (byte) version, 0, 0, 0, (byte) chunk, 0, 0, 0
        });
    dm.say("--- header SnAp");
    if (dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdc P 8")) {
      dm.st("s");
      dm.rmv("s");
    }
  }

  @Test
  void badHeaders() throws TableException {
    dm.header(new byte[] {'X', 'n', 'A', 'p'});
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdc P 8");
    header(1, 2, 8);
    header(1, 1, 7);
    header(1, 1, 0);
    header(2, 1, 8);
    header(0, 1, 8);
    isAsRecorded("K");
  }

  @Test
  void devicesThatDoNotFit() throws TableException {
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/vda P 8");
    dm.mk("s", "0 4096 snapshot /dev/vda /dev/vdc P 8");
    dm.mk("lc", "0 8 linear /dev/vdc 0");
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/mapper/lc P 8");
    dm.rmv("lc");
    dm.mk("lc", "0 16 linear /dev/vdc 0");
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/mapper/lc P 8");
    dm.st("s");
    dm.wr("s", 3);
    dm.st("s");
    dm.rmv("s", "lc");
    isAsRecorded("L");
  }

  @Test
  void handover() throws TableException {
    String merge = "0 2048 snapshot-merge /dev/vda /dev/vdc P 8";
    dm.mk("o", "0 2048 snapshot-origin /dev/vda");
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdc P 8");
    dm.put('S', "s", 3, 5);
    dm.put('W', "o", 9, 1);
    dm.view("s");
    dm.say("# a second device on the same cow while s is live:");
    dm.mk("m", merge);
    dm.say("# load snapshot-merge into o while s is live, not suspended:");
    dm.say("load rc=" + (dm.load("o", merge) ? 0 : 1));
    dm.suspend("o");
    dm.say("resume rc=" + (dm.resume("o") ? 0 : 1));
    dm.info("o");
    dm.resume("o");
    dm.st("o", "s");
    dm.say("# with s suspended:");
    dm.suspend("s");
    dm.say("load rc=" + (dm.load("o", merge) ? 0 : 1));
    dm.suspend("o");
    dm.say("resume rc=" + (dm.resume("o") ? 0 : 1));
    dm.st("o", "s");
    dm.view("o");
    dm.say("resume s rc=" + (dm.resume("s") ? 0 : 1));
    dm.st("s");
    dm.rd("s", 3);
    dm.rmv("s");
    dm.say("rm s rc=0");
    dm.st("o");
    dm.load("o", "0 2048 snapshot-origin /dev/vda");
    dm.suspend("o");
    dm.resume("o");
    dm.st("o");
    dm.view("o");
    dm.rmv("o");
    isAsRecorded("M");
  }

  @Test
  void oneOfTwoSnapshotsIsMerged() throws TableException {
    dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdc P 8");
    dm.mk("s2", "0 2048 snapshot /dev/vda /dev/vdd P 8");
    dm.mk("o", "0 2048 snapshot-origin /dev/vda");
    dm.put('W', "o", 0, 2);
    dm.st("s", "s2");
    dm.put('S', "s", 10, 3);
    String before = dm.sum("s2");
    dm.rmv("s", "o");
    dm.mk("m", "0 2048 snapshot-merge /dev/vda /dev/vdc P 8");
    dm.st("m", "s2");
    dm.say(before.equals(dm.sum("s2")) ? "s2 view unchanged by the merge" : "s2 changed");
    dm.rmv("m", "s2");
    isAsRecorded("N");
  }

  @Test
  void discards() throws TableException {
    for (String features :
        List.of("", " 1 discard_zeroes_cow", " 2 discard_zeroes_cow discard_passdown_origin")) {
      dm.z();
      dm.mk("s", "0 2048 snapshot /dev/vda /dev/vdc P 8" + features);
      dm.st("s");
      dm.discard("s", 0, 65536, "blkdiscard rc=");
      dm.put('S', "s", 3, 1);
      dm.discard("s", 8192, 16384, "rc=");
      dm.writeZeroes("s", 40960, 4096);
      dm.st("s");
      dm.od("s", 24);
      dm.rmv("s");
    }
    isAsRecorded("O");
  }
}
