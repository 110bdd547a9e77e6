// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.serve.Server;
import org.anabranch.server.serve.UncontrolledServer;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.SnapshotState.Phase;
import org.jspecify.annotations.Nullable;

/** A whole server over a folder, and what it has. One thread at a time. */
final class LifeServer {
  private static final int SECONDS = 60;

  /** The sectors of a configured volume. */
  static final int SECTORS = 512;

  private final Path folder;
  private final Server server;
  private boolean wide;

  private LifeServer(Path folder, boolean wide) throws Exception {
    this.folder = folder;
    this.wide = wide;
    this.server = UncontrolledServer.start(configuration(), this::configuration);
  }

  /**
   * Starts it.
   *
   * @param wide a third volume is configured
   */
  static LifeServer start(Path folder, boolean wide) throws Exception {
    return new LifeServer(folder, wide);
  }

  private Configuration configuration() throws RefusedException {
    String text =
        """
        anabranch {
          portals = ["127.0.0.1:0"], state-dir = state
          volumes {
            vm1 { path = vm1.img, size = 256 KiB }
            vm2 { path = vm2.img, size = 256 KiB }
            %s
          }
          targets { "iqn.2026-11.org.example:t" { luns { 0 = vm1, 1 = "vm1@a", 2 = vm2 } } }
        }
        """
            .formatted(wide ? "vm3 { path = vm3.img, size = 256 KiB }" : "");
    try {
      return ConfigurationFile.parse("life", text, folder);
    } catch (Exception e) {
      throw new RefusedException(String.valueOf(e.getMessage()), e);
    }
  }

  /** Configures the third volume, and reloads. */
  void widen() throws RefusedException {
    wide = true;
    server.reload(false);
  }

  Server server() {
    return server;
  }

  /** Stops it; whether everything written is durable. */
  boolean stop() {
    return server.stop();
  }

  void write(String device, int first, int count, int write, boolean durable) throws Exception {
    submit(device, end -> Io.write(first, Contents.data(first, count, write), durable, end));
  }

  void flush(String device) throws Exception {
    submit(device, Io::flush);
  }

  private interface Asks {
    Io with(org.anabranch.block.IoCompletion end);
  }

  private void submit(String device, Asks asks) throws Exception {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    OpenDevice open = server.storage().devices().hold(device);
    open.device()
        .submit(
            asks.with((io, error) -> {
              open.release();
              end(done, error);
            }));
    done.get(SECONDS, TimeUnit.SECONDS);
  }

  private static void end(CompletableFuture<@Nullable Void> done, @Nullable IoError error) {
    if (error == null) {
      done.complete(null);
    } else {
      done.completeExceptionally(error.toException());
    }
  }

  private Contents read(String device) throws Exception {
    ByteBuffer data = ByteBuffer.allocateDirect((int) server.storage().devices().bytes(device));
    submit(device, end -> Io.read(0, data, end));
    return Contents.read(device, data.rewind());
  }

  /** The snapshots as they are listed. */
  SortedMap<String, SnapshotState> snapshots() {
    SortedMap<String, SnapshotState> found = new TreeMap<>();
    server.snapshots().list(null).forEach(each -> found.put(each.device(), each));
    return found;
  }

  /**
   * What a server has.
   *
   * @param read what volumes and snapshots with a device of their own read as
   */
  record Found(
      SortedSet<String> volumes,
      SortedMap<String, SnapshotState> snapshots,
      Map<String, Contents> read) {}

  /** Looks at everything, at a moment when nothing changes. */
  Found found() throws Exception {
    for (int i = 0; i < 200; i++) {
      SortedMap<String, SnapshotState> listed = snapshots();
      Found found = null;
      try {
        found = new Found(volumes(), listed, readAll(listed));
      } catch (RefusedException e) {
        if (listed.equals(snapshots())) {
          throw e;
        }
      }
      if (found != null && listed.equals(snapshots())) {
        return found;
      }
    }
    throw new AssertionError("snapshots change all the time: " + snapshots());
  }

  private SortedSet<String> volumes() {
    return new TreeSet<>(server.configuration().volumes().keySet());
  }

  private Map<String, Contents> readAll(SortedMap<String, SnapshotState> listed) throws Exception {
    Map<String, Contents> read = new TreeMap<>();
    for (String volume : volumes()) {
      read.put(volume, read(volume));
    }
    for (Map.Entry<String, SnapshotState> each : listed.entrySet()) {
      Phase phase = each.getValue().phase();
      boolean hasDevice =
          phase == Phase.READY
              || phase == Phase.WAITING
              || phase == Phase.QUEUED
              || (phase == Phase.MERGING && each.getValue().keeps());
      if (hasDevice) {
        read.put(each.getKey(), read(each.getKey()));
      }
    }
    return Collections.unmodifiableMap(read);
  }

  /** The files of stores and of images that commands made, and those that there should be. */
  void checkFiles() throws IOException {
    Set<String> expected = new TreeSet<>();
    snapshots().values().forEach(each -> each.stores().forEach(store -> expected.add("" + store)));
    server.volumes().all().values().forEach(each -> expected.add(each.path().toString()));
    Set<String> found = new TreeSet<>(files(folder.resolve("state/cow")));
    found.addAll(files(server.configuration().imageDir()));
    if (!found.equals(expected)) {
      throw new AssertionError("files " + found + ", not " + expected);
    }
  }

  /** Whether a volume that was renamed has the image of this name still. */
  boolean hasImage(String volume) {
    return Files.exists(server.configuration().imageDir().resolve(volume + ".img"));
  }

  private static Set<String> files(Path at) throws IOException {
    Set<String> found = new TreeSet<>();
    if (Files.exists(at)) {
      try (DirectoryStream<Path> names = Files.newDirectoryStream(at)) {
        names.forEach(path -> found.add(Objects.requireNonNull(path).toString()));
      }
    }
    return found;
  }
}
