// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code dm}: dmsetup's verbs, syntax and output, over kills of the server. */
final class DmTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 4 MiB } }
      devices { d = "0 2048 linear vm1 0" }
      targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = d } } }
      """;

  @TempDir private Path folder;

  private String refusal(Site site, String... words) {
    return site.dmRefusal(words);
  }

  @Test
  void everyVerbSpeaksAsDmsetupDoes() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess _ = site.serve(CONFIGURATION)) {
      assertThat(site.anabranch(0, "dm", "create", "a", "--table", "0 2048 linear vm1 2048"))
          .isEmpty();
      assertThat(site.anabranch(0, "dm", "ls")).isEqualTo("a\t(253:2)\nd\t(253:1)\nvm1\t(253:0)\n");
      assertThat(site.anabranch(0, "dm", "table", "a")).isEqualTo("0 2048 linear vm1 2048\n");
      assertThat(site.dm("table", "--target", "linear"))
          .isEqualTo("a: 0 2048 linear vm1 2048\nd: 0 2048 linear vm1 0\n");
      assertThat(site.dm("ls", "--target", "snapshot-origin")).isEqualTo("vm1\t(253:0)\n");
      assertThat(site.dm("status", "a")).isEqualTo("0 2048 linear \n");
      assertThat(site.dm("targets")).contains("snapshot-merge").contains("linear");

      assertThat(site.dm("suspend", "a")).isEmpty();
      assertThat(site.dmTable("0 4096 zero", "load", "a")).isEmpty();
      assertThat(site.anabranch(0, "dm", "table", "--inactive", "a")).isEqualTo("0 4096 zero \n");
      assertThat(site.anabranch(0, "dm", "info", "a"))
          .isEqualTo(
              """
              Name:              a
              State:             SUSPENDED
              Read Ahead:        0
              Tables present:    LIVE & INACTIVE
              Open count:        0
              Event number:      0
              Major, minor:      253, 2
              Number of targets: 1

              """);
      assertThat(site.dm("clear", "a")).isEmpty();
      assertThat(site.dm("table", "--inactive", "a")).isEmpty();
      Path table = Files.writeString(folder.resolve("a table"), "0 4096 zero\n");
      assertThat(site.anabranch(0, "dm", "reload", "a", table.toString())).isEmpty();
      assertThat(site.dm("resume", "a")).isEmpty();
      assertThat(site.dm("table", "a")).isEqualTo("0 4096 zero \n");
      assertThat(site.dm("create", "empty")).isEmpty();
      assertThat(site.anabranch(0, "dm", "rename", "a", "b")).isEmpty();
      assertThat(site.dm("ls")).isEqualTo("b\t(253:2)\nd\t(253:1)\nempty\t(253:3)\nvm1\t(253:0)\n");
      assertThat(site.anabranch(0, "dm", "remove", "empty")).isEmpty();
      site.dm("create", "one"); // with the lowest number that is free
      site.dm("create", "two");
      assertThat(site.dm("ls")).contains("one\t(253:3)\n", "two\t(253:4)\n");
      assertThat(site.anabranch(0, "dm", "suspend", "one", "two")).isEmpty();
      assertThat(site.dm("info", "one", "two").split("SUSPENDED", -1)).hasSize(3);
      assertThat(site.anabranch(1, "dm", "remove", "one", "nothing", "two")).contains("nothing");
      assertThat(site.anabranch(0, "dm", "info", "two", "b"))
          .startsWith("Name:              two\n")
          .contains("\n\nName:              b\n");
      assertThat(site.anabranch(0, "dm", "remove", "two")).isEmpty();
      Files.write(folder.resolve("x.img"), new byte[4096]);
      assertThat(site.anabranchProcess(0, "dm", "create", "x", "--table", "0 8 linear ./x.img 0"))
          .isEmpty();
      assertThat(site.dm("table", "x")).isEqualTo("0 8 linear " + folder + "/./x.img 0\n");
      site.dm("remove", "x");

      assertThat(site.anabranch(1, "dm", "remove", "a"))
          .isEqualTo("anabranch: dm remove a: No such device or address: a\n");
      assertThat(refusal(site, "remove", "d"))
          .isEqualTo("dm remove d: it is in the configuration; change that, and reload");
      assertThat(refusal(site, "rename", "b", "vm1")).contains("it is in the configuration");
      assertThat(refusal(site, "rename", "b", "x/y")).contains("cannot be ., .. or hold a /");
      assertThat(site.refusal("dm rename", Map.of("name", "b")))
          .isEqualTo("argument new-name is missing");
      assertThat(refusal(site, "resume", "nothing")).contains("No such device or address: nothing");
      assertThat(site.refusal("dm message", Map.of("name", "b", "sector", 0)))
          .isEqualTo("dm message b: argument words is missing: the message");
      assertThat(site.refusal("dm remove", Map.of()))
          .isEqualTo("argument names is missing: the devices");
      assertThat(refusal(site, "message", "b", "0", "hello")).contains("dm message");
      assertThat(refusal(site, "wait", "nothing"))
          .isEqualTo("dm wait nothing: No such device or address: nothing");
      assertThat(site.refusal("dm frobnicate", Map.of()))
          .startsWith("no such verb: dm frobnicate; there are dm clear, dm create, ");
    } // killed
    try (ServerProcess _ = site.serve(CONFIGURATION)) {
      assertThat(site.dm("table", "b")).isEqualTo("0 4096 zero \n");
      assertThat(site.dm("ls")).isEqualTo("b\t(253:2)\nd\t(253:1)\nvm1\t(253:0)\n");
      site.dmTable("0 8 linear b 8", "create", "above");
      site.dmTable("0 8 linear above 0", "create", "A-top-that-sorts-first");
      assertThat(refusal(site, "remove", "b")).contains("Device or resource busy");
      site.configure("volumes { b { path = b.img, size = 1 MiB } }\n" + CONFIGURATION);
      assertThat(site.refusal("reload", Map.of())).contains("b is a device that dm create made");
    } // killed
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(site.dm("ls")).containsSubsequence("A-top", "above\t", "b\t", "d\t", "vm1\t");
      for (String name : List.of("A-top-that-sorts-first", "above", "b")) {
        site.dm("remove", name);
      }
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
    assertThat(Files.readString(folder.resolve("state/state.json")))
        .contains("\"devices\" : {}")
        .contains("\"version\" : 3");
  }

  /** Without a server, since none is asked. */
  @Test
  void whatIsNoCommandIsAUsageError() {
    for (String line :
        List.of(
            "dm",
            "dm frobnicate",
            "dm ls a",
            "dm rename b",
            "dm rename a b c",
            "dm message b 0",
            "dm message b zero hello",
            "dm suspend",
            "dm resume --noflush a",
            "dm remove",
            "dm create",
            "dm create a b c",
            "dm create a --table x file",
            "dm wait",
            "dm wait a soon",
            "dm table --target")) {
      StringWriter said = new StringWriter();
      CommandLine command = Main.commandLine().setErr(new PrintWriter(said));
      assertThat(command.execute(line.split(" ", -1))).as(line + "\n" + said).isEqualTo(2);
    }
  }

  /** What lvconvert --merge does with a logical volume that is in use, table by table. */
  @Test
  void aStoreIsHandedOverByHandWhileItsOriginIsInUse() throws Exception {
    Site site = new Site(folder);
    Path cow = folder.resolve("vm1.cow");
    try (RandomAccessFile file = new RandomAccessFile(cow.toFile(), "rw")) {
      file.setLength(2 << 20);
    }
    String snapshot = "0 8192 snapshot " + folder.resolve("vm1.img") + " " + cow + " P 8";
    String merge = snapshot.replace("snapshot ", "snapshot-merge ");
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(CONFIGURATION)) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk disk = host.disk(0);
      Initiator.await(disk.write(0, block(1)), 30);
      site.dmTable(snapshot, "create", "snap");
      Initiator.await(disk.write(0, block(2)), 30);
      assertThat(site.dm("status", "snap")).isEqualTo("0 8192 snapshot 24/4096 16\n");

      // One COW, two tables: the second is taken, and goes live only when the first is suspended.
      assertThat(site.dmTable(merge, "load", "vm1")).isEmpty();
      assertThat(refusal(site, "resume", "vm1"))
          .isEqualTo(
              "dm resume vm1: Unable to perform snapshot handover until source is suspended.");
      site.dm("suspend", "snap");
      CompletableFuture<String> event =
          CompletableFuture.supplyAsync(() -> {
            try {
              return site.anabranch(0, "dm", "wait", "-v", "vm1", "0");
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
          });
      site.dm("resume", "vm1");
      assertThat(Initiator.await(disk.read(0, 8), 30).rewind()).isEqualTo(block(1));
      assertThat(site.dm("table", "vm1")).startsWith("0 8192 snapshot-merge ");
      Await.until(
          "the merge has ended",
          () -> site.dm("message", "vm1", "0", "progress"),
          progress -> progress.startsWith("done"));
      assertThat(site.dm("status", "vm1")).isEqualTo("0 8192 snapshot-merge 16/4096 16\n");
      assertThat(event.join())
          .contains("Name:              vm1")
          .doesNotContain("Event number:      0");
      site.dm("remove", "snap");
      site.dmTable("0 8192 snapshot-origin " + folder.resolve("vm1.img"), "load", "vm1");
      site.dm("resume", "vm1");
      assertThat(Initiator.await(disk.read(0, 8), 30).rewind()).isEqualTo(block(1));
      assertThat(server.terminate()).isZero();
    }
  }

  @Test
  void aStopIsCleanWhateverStateDevicesAreIn() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      site.dm("create", "empty");
      site.dmTable("0 8 error \n8 8 zero", "create", "broken");
      site.dmTable("0 2048 linear d 0", "create", "upper");
      site.dm("suspend", "vm1"); // d and upper are made of it
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).doesNotContain("ERROR");
    }
  }

  @Test
  void aNewNameReachesTheTablesAboveForGood() throws Exception {
    Site site = new Site(folder);
    try (ServerProcess _ = site.serve(CONFIGURATION)) {
      site.dmTable("0 2048 linear vm1 0", "create", "m");
      site.dmTable("0 1024 linear m 0", "create", "above");
      site.dmTable("0 512 linear above 0", "create", "top");
      site.dm("rename", "m", "z");
    } // killed
    try (ServerProcess server = site.serve(CONFIGURATION)) {
      assertThat(site.dm("table", "above")).isEqualTo("0 1024 linear z 0\n");
      assertThat(site.dm("table", "top")).isEqualTo("0 512 linear above 0\n");
      assertThat(server.terminate()).isZero();
    }
  }

  private static ByteBuffer block(int value) {
    byte[] bytes = new byte[4096];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }
}
