// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Rate limits of volumes, by configuration, by {@code volume limit} and by reload. */
@Timeout(120)
final class RateLimitTest {
  private static final String TARGET = "iqn.2026-11.org.example:t";

  /** A limit that lets one command go on in ten minutes is as good as one that lets none. */
  private static final String SLOW = "limits { iops = 1, burst = 1 s }";

  @TempDir private Path folder;

  private static String configuration(String limits) {
    return """
    limits.memory = 64 MiB
    volumes {
      slow { path = slow.img, size = 64 MiB, %s }
      fast { path = fast.img, size = 64 MiB }
    }
    targets { "%s" { luns { 0 = slow, 1 = fast, 2 = slow } } }
    """
        .formatted(limits, TARGET);
  }

  private static List<CompletableFuture<ByteBuffer>> reads(Disk disk, int count, int blocks) {
    List<CompletableFuture<ByteBuffer>> reads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      reads.add(disk.read(0, blocks));
    }
    return reads;
  }

  private static void awaitAll(List<CompletableFuture<ByteBuffer>> reads) throws Exception {
    CompletableFuture.allOf(reads.toArray(CompletableFuture[]::new)).get(60, TimeUnit.SECONDS);
  }

  private static Map<?, ?> second(Site site) throws Exception {
    List<?> volumes =
        (List<?>) Objects.requireNonNull(site.ask("volume list", Map.of()).get("volumes"));
    return (Map<?, ?>) Objects.requireNonNull(volumes.get(1));
  }

  private static int delayed(Site site) throws Exception {
    Map<?, ?> first = second(site);
    assertThat(first.get("name")).isEqualTo("slow");
    return ((Number) Objects.requireNonNull(first.get("delayed"))).intValue();
  }

  @Test
  void whatWaitsTakesNoMemoryFromOthersAndGoesOnWhenTheLimitGoes() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(configuration(SLOW))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk slow = host.disk(0);
      Disk fast = host.disk(1);
      Initiator.await(fast.read(0, 8), 30);
      List<CompletableFuture<ByteBuffer>> waiting = reads(slow, 16, 4096);
      waiting.add(slow.write(0, ByteBuffer.allocate(2 << 20)));
      Await.until("some wait", () -> delayed(site) >= 15);
      // 34 MiB wait. All the memory for reads is 32 MiB, and these need half of it at once.
      awaitAll(reads(fast, 8, 4096));
      assertThat(delayed(site)).as("still wait").isPositive();
      assertThat(site.anabranch(0, "volume", "limit", "slow", "none"))
          .isEqualTo("volume slow: no limits\n");
      awaitAll(waiting);
      assertThat(delayed(site)).isZero();
      assertThat(server.terminate()).isZero();
      assertThat(server.errors()).contains("volume limit").doesNotContain("ERROR");
    }
  }

  @Test
  void theEndOfASessionEndsWhatWaits() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(configuration(SLOW))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      List<CompletableFuture<ByteBuffer>> waiting = reads(host.disk(0), 64, 8);
      Await.until("they wait", () -> delayed(site) > 10);
      host.session().close();
      Await.until("nothing waits", () -> delayed(site) == 0);
      assertThat(waiting).allMatch(CompletableFuture::isDone);
    }
  }

  @Test
  void theLimitIsThatOfAllLunsOfTheVolumeAndIsShownAndCounted() throws Exception {
    Site site = new Site(folder);
    try (Initiator initiator = new Initiator();
        ServerProcess server = site.serve(configuration("limits { iops = 100, burst = 10 ms }"))) {
      Site.Host host = Site.Host.logIn(initiator, server, TARGET);
      Disk one = host.disk(0);
      Disk other = host.disk(2);
      long begin = System.nanoTime();
      List<CompletableFuture<ByteBuffer>> reads = reads(one, 20, 8);
      reads.addAll(reads(other, 20, 8));
      awaitAll(reads);
      assertThat(System.nanoTime() - begin).as("40 at 100 a second").isGreaterThan(380_000_000L);
      assertThat(site.anabranch(0, "volume", "list")).contains("LIMITS").contains("100 iops");
      assertThat(site.anabranch(0, "stats", "--json"))
          .contains("\"delayed\"")
          .contains("\"delay\"");
    }
  }

  private static List<?> reload(Site site, String text) throws Exception {
    site.configure(text);
    return (List<?>) Objects.requireNonNull(site.ask("reload", Map.of()).get("changes"));
  }

  private static Object iops(Site site) throws Exception {
    Map<?, ?> volume = second(site);
    return volume.get("limits") instanceof Map<?, ?> limits
        ? limits.get("iops") + " " + limits.get("configured")
        : "none";
  }

  @Test
  void aReloadAppliesTheFileAndARestartForgetsWhatIsNotInIt() throws Exception {
    Site site = new Site(folder);
    String first = configuration("limits.iops = 100");
    try (ServerProcess server = site.serve(first)) {
      assertThat(iops(site)).isEqualTo("100 true");
      assertThat(site.anabranch(0, "volume", "limit", "slow", "--iops", "7", "--burst", "5 s"))
          .isEqualTo("volume slow: 7 iops\n");
      assertThat(iops(site)).isEqualTo("7 false");
      assertThat(reload(site, first + "\nmerge-grace = 1 min")).hasSize(1);
      assertThat(iops(site)).as("a reload that does not concern it").isEqualTo("7 false");
      assertThat(reload(site, configuration("limits.iops = 200")).toString())
          .contains("volume slow: rate limits");
      assertThat(iops(site)).isEqualTo("200 true");
      site.ask("volume limit", Map.of("volume", "slow", "iops", 0, "bytes-per-second", 1 << 20));
      assertThat(iops(site)).isEqualTo("0 false");
      assertThat(site.anabranch(0, "volume", "limit", "slow", "configured"))
          .isEqualTo("volume slow: 200 iops\n");
      assertThat(iops(site)).isEqualTo("200 true");
      assertThat(site.refusal("volume limit", Map.of("volume", "slow", "iops", -1)))
          .contains("iops is -1");
      assertThat(site.refusal("volume limit", Map.of("volume", "nobody", "iops", 1)))
          .contains("there is no volume nobody");
      site.ask("volume limit", Map.of("volume", "slow", "iops", 5));
      assertThat(server.terminate()).isZero();
    }
    try (ServerProcess _ = site.serve(configuration("limits.iops = 200"))) {
      assertThat(iops(site)).as("what is not in the file").isEqualTo("200 true");
    }
  }
}
