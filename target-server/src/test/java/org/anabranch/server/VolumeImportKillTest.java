// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.testing.TakesLong;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.VolumeImportVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotExportVerb;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Imports in whose middle the receiving server is killed, or their sender, or the pipe between
 * them: the volume is at the old point or at the new one, each sector of it, and its snapshot says
 * which. {@code -Danabranch.importKills=100} for more than a few, {@code -Danabranch.killSeed=N}
 * for others.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS) // for those who ask for many
@TakesLong
final class VolumeImportKillTest {
  private static final String TARGET = "iqn.2026-11.org.example:vm1";
  private static final int BYTES = 16 << 20;
  private static final int WRITES = 64;
  private static final String CONFIGURATION =
      """
      volumes { vm1 { path = vm1.img, size = 16 MiB } }
      targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }
      """;

  /** What is killed. */
  private enum Victim {
    RECEIVER,
    SENDER,
    PIPE
  }

  private final Random random = new Random(Long.getLong("anabranch.killSeed", 1));
  private final Map<String, Integer> outcomes = new TreeMap<>();

  /** How long an import took, in ns: a kill within that time hits the middle of one. */
  private long usual = 100_000_000;

  @TempDir private Path folder;

  @Test
  void killsLeaveTheOldPointOrTheNewOne() throws Exception {
    int kills = Integer.getInteger("anabranch.importKills", 3);
    Site here = new Site(Files.createDirectory(folder.resolve("here")));
    Site there = new Site(Files.createDirectory(folder.resolve("there")));
    try (ServerProcess sending = here.serve(CONFIGURATION);
        Initiator initiator = new Initiator(1)) {
      Disk disk = Site.Host.logIn(initiator, sending, TARGET).disk(0);
      byte[] old = new byte[BYTES];
      byte[] contents = old.clone();
      @Nullable String base = null;
      ServerProcess receiving = there.serve(CONFIGURATION);
      try {
        for (int kill = 0; kill < kills; kill++) {
          String name = "s" + kill;
          change(disk, contents);
          here.ask("snapshot create", Map.of("volume", "vm1", "name", name));
          byte[] stream = stream(here, name, base);
          Victim victim = Victim.values()[kill % Victim.values().length];
          CountDownLatch begun = new CountDownLatch(1);
          if (victim == Victim.RECEIVER) {
            kill(receiving, begun);
          }
          boolean answered = attempt(there, victim, stream, begun);
          if (victim == Victim.RECEIVER) {
            receiving.await();
            receiving.close();
            receiving = there.serve(CONFIGURATION);
          }
          boolean isNew = snapshots(there).contains("vm1@" + name + ",");
          assertThat(isNew || !answered).as("what was answered is there").isTrue();
          assertThat(Arrays.equals(volume(there), isNew ? contents : old))
              .as("%s %s: the volume is at %s", kill, victim, isNew ? name : base)
              .isTrue();
          outcomes.merge(victim + (isNew ? " new" : " old"), 1, Integer::sum);
          if (!isNew) {
            long began = System.nanoTime();
            receive(there, channel(stream)); // it can be done again
            usual = System.nanoTime() - began;
            assertThat(volume(there)).isEqualTo(contents);
          }
          if (base != null) {
            here.ask("snapshot remove", Map.of("name", "vm1@" + base));
            there.ask("snapshot remove", Map.of("name", "vm1@" + base));
          }
          base = name;
          old = contents.clone();
          assertThat(receiving.errors()).doesNotContain("ERROR");
        }
        Path received = there.folder.resolve("state/received");
        assertThat(received.toFile().list()).as("nothing is left").isNullOrEmpty();
        assertThat(receiving.terminate()).isZero();
      } finally {
        receiving.close();
      }
    }
    System.out.println(kills + " kills in the middle of an import: " + outcomes);
  }

  /** A volume that the stream makes: there is none, or all of it. */
  @Test
  void killsLeaveNoNewVolumeOrAWholeOne() throws Exception {
    int kills = Integer.getInteger("anabranch.importKills", 3);
    Site here = new Site(Files.createDirectory(folder.resolve("here")));
    Site there = new Site(Files.createDirectory(folder.resolve("there")));
    try (ServerProcess sending = here.serve(CONFIGURATION);
        Initiator initiator = new Initiator(1)) {
      Disk disk = Site.Host.logIn(initiator, sending, TARGET).disk(0);
      byte[] contents = new byte[BYTES];
      change(disk, contents);
      here.ask("snapshot create", Map.of("volume", "vm1", "name", "a"));
      byte[] stream = stream(here, "a", null);
      ServerProcess receiving = there.serve("");
      try {
        for (int kill = 0; kill < kills; kill++) {
          CountDownLatch begun = new CountDownLatch(1);
          kill(receiving, begun);
          boolean answered = attempt(there, Victim.RECEIVER, stream, begun);
          receiving.await();
          receiving.close();
          receiving = there.serve("");
          boolean isNew = volumes(there).contains("vm1");
          assertThat(isNew || !answered).as("what was answered is there").isTrue();
          outcomes.merge(isNew ? "made" : "none", 1, Integer::sum);
          if (!isNew) {
            assertThat(there.folder.resolve("state/images").toFile().list()).isNullOrEmpty();
            long began = System.nanoTime();
            receive(there, channel(stream)); // it can be done again
            usual = System.nanoTime() - began;
          }
          assertThat(snapshots(there)).isEqualTo("vm1@a,");
          assertThat(volume(there)).isEqualTo(contents);
          there.ask("snapshot remove", Map.of("name", "vm1@a"));
          there.ask("volume remove", Map.of("volume", "vm1", "delete-image", true));
          assertThat(there.folder.resolve("state/received").toFile().list()).isNullOrEmpty();
          assertThat(receiving.errors()).doesNotContain("ERROR");
        }
        assertThat(receiving.terminate()).isZero();
      } finally {
        receiving.close();
      }
    }
    System.out.println(kills + " kills while a volume was made of a stream: " + outcomes);
  }

  private static String volumes(Site site) throws RefusedException {
    return String.valueOf(site.ask("volume list", Map.of()));
  }

  /** Whether the import was answered as done. */
  private boolean attempt(Site there, Victim victim, byte[] stream, CountDownLatch begun) {
    ReadableByteChannel in =
        switch (victim) {
          case RECEIVER -> channel(stream);
          case PIPE -> channel(Arrays.copyOf(stream, random.nextInt(stream.length)));
          case SENDER -> broken(stream, random.nextInt(stream.length));
        };
    begun.countDown();
    try {
      receive(there, in);
      return true;
    } catch (RefusedException e) {
      assertThat(e.getMessage())
          .containsAnyOf(
              "nothing was changed",
              "the server stopped before it answered",
              "the data cannot be read: the sender was killed");
      return false;
    }
  }

  private void kill(ServerProcess server, CountDownLatch begun) {
    long wait = (long) (random.nextDouble() * usual * 1.2);
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            begun.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          LockSupport.parkNanos(wait);
          server.process().destroyForcibly();
        });
  }

  private static ReadableByteChannel channel(byte[] bytes) {
    return Channels.newChannel(new ByteArrayInputStream(bytes));
  }

  /** Fails after so many bytes, so that the connection ends without the end of its data. */
  private static ReadableByteChannel broken(byte[] bytes, int good) {
    ReadableByteChannel first = channel(Arrays.copyOf(bytes, good));
    return new ReadableByteChannel() {
      @Override
      public int read(ByteBuffer into) throws IOException {
        int count = first.read(into);
        if (count < 0) {
          throw new IOException("the sender was killed");
        }
        return count;
      }

      @Override
      public boolean isOpen() {
        return true;
      }

      @Override
      public void close() {}
    };
  }

  private static void receive(Site site, ReadableByteChannel in) throws RefusedException {
    var _ =
        site.client()
            .upload(
                VolumeImportVerb.CALL,
                new VolumeImportVerb.Arguments("vm1", null, false),
                state -> {},
                in);
  }

  private static byte[] stream(Site site, String name, @Nullable String base)
      throws RefusedException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    var _ =
        site.client()
            .download(
                SnapshotExportVerb.CALL,
                new SnapshotExportVerb.Arguments(
                    "vm1@" + name, null, false, base == null ? null : "vm1@" + base, false),
                state -> {},
                data -> {
                  byte[] bytes = new byte[data.remaining()];
                  data.get(bytes);
                  out.writeBytes(bytes);
                });
    return out.toByteArray();
  }

  /** Writes here and there on the disk, and in what it should hold. */
  private void change(Disk disk, byte[] contents) throws Exception {
    for (int i = 0; i < WRITES; i++) {
      byte[] data = new byte[4096 << random.nextInt(4)];
      if (random.nextInt(4) > 0) {
        random.nextBytes(data);
      }
      int offset = random.nextInt((BYTES - data.length) / 4096) * 4096;
      Initiator.await(disk.write(offset / 512, ByteBuffer.wrap(data)), 30);
      System.arraycopy(data, 0, contents, offset, data.length);
    }
  }

  private static String snapshots(Site site) throws RefusedException {
    StringBuilder names = new StringBuilder();
    for (Object each :
        (List<?>) site.ask("snapshot list", Map.of()).getOrDefault("snapshots", "")) {
      names.append(((Map<?, ?>) each).get("name")).append(',');
    }
    return names.toString();
  }

  private static byte[] volume(Site site) throws Exception {
    Path file = site.folder.resolve("contents");
    site.ask("snapshot create", Map.of("volume", "vm1", "name", "look", "read-only", true));
    site.ask("snapshot export", Map.of("name", "vm1@look", "file", file.toString(), "force", true));
    site.ask("snapshot remove", Map.of("name", "vm1@look"));
    return Files.readAllBytes(file);
  }
}
