// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.anabranch.block.Io;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.dm.OpenDevice;
import org.anabranch.config.Configuration;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.server.base.Hooks;
import org.anabranch.server.base.LiveConfiguration;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.Exports;
import org.anabranch.server.snapshots.device.Initiators;
import org.anabranch.server.snapshots.merge.MergeRequest;
import org.anabranch.server.state.Changes;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.storage.Backends;
import org.anabranch.server.storage.Storage;
import org.anabranch.server.storage.file.FileBackend;
import org.anabranch.server.uses.Uses;

/** A server's block layer without a network: one volume, {@code vm1}, and its snapshots. */
public final class VolumeUnderTest implements AutoCloseable {
  public static final int BYTES = 16 << 20;

  public final ThreadScheduler scheduler = new ThreadScheduler("scheduler");
  public final Storage storage;
  public final Snapshots snapshots;
  public final Exports exports;
  public final Uses uses;
  public final LiveConfiguration live;

  /** What the volume holds. */
  public final byte[] contents = new byte[BYTES];

  public VolumeUnderTest(Path folder) throws Exception {
    this(folder, "");
  }

  /** With more in its configuration. */
  public VolumeUnderTest(Path folder, String more) throws Exception {
    this(folder, more, volume -> {});
  }

  /** The same; {@code prepared} sees it before waiting merges may begin. */
  public VolumeUnderTest(Path folder, String more, Consumer<VolumeUnderTest> prepared)
      throws Exception {
    this(folder, "vm1.img", more, prepared);
  }

  /** The volume is this file of the folder. */
  static VolumeUnderTest of(Path folder, String image) throws Exception {
    return new VolumeUnderTest(folder, image, "", volume -> {});
  }

  private VolumeUnderTest(
      Path folder, String image, String more, Consumer<VolumeUnderTest> prepared) throws Exception {
    Configuration configuration = configuration(folder, image, more);
    live = new LiveConfiguration(configuration);
    StateFile state = new StateFile(folder.resolve("state.json"));
    storage =
        new Storage(scheduler, new Backends(List.of(new FileBackend())), folder, state::state);
    storage.open(configuration);
    uses = Uses.open(folder, Set.of());
    snapshots =
        new Snapshots(storage, state, folder, live, new Changes(), initiators, uses, Hooks.NONE);
    snapshots.restore();
    snapshots.resumeMerges();
    prepared.accept(this);
    snapshots.beginMerges();
    exports = new Exports(storage, snapshots, live);
  }

  private static Configuration configuration(Path folder, String image, String more)
      throws Exception {
    String text =
        "anabranch { state-dir = ., volumes { vm1 { path = %s, size = %d } }, %s }"
            .formatted(image, BYTES, more);
    return ConfigurationFile.parse("test", text, folder);
  }

  /** Another configuration takes effect, as after a reload. */
  void configure(Path folder, String more) throws Exception {
    live.replace(configuration(folder, "vm1.img", more), Set.of());
  }

  /** Devices whose LUNs were attached, each time. */
  public final List<String> appeared = new CopyOnWriteArrayList<>();

  /** Runs each time that a merge has begun, before whoever waits for that goes on. */
  public volatile Runnable whenRolledBack = () -> {};

  final Initiators initiators = new Nobody();

  /** Nobody is logged in. */
  private final class Nobody implements Initiators {
    @Override
    public void renaming(Map<String, String> names) {}

    @Override
    public void renamed(Map<String, String> names) {}

    @Override
    public int sessions(String device) {
      return 0;
    }

    @Override
    public void appeared(String device) {
      appeared.add(device);
    }

    @Override
    public void vanishing(String device) {}

    @Override
    public void contentsChanged(String device) {
      whenRolledBack.run();
    }
  }

  /** Asks for a merge. */
  public SnapshotState merge(String device, MergeRequest.Begin begin) throws RefusedException {
    return snapshots.merge(MergeRequest.of(device, begin));
  }

  /** The volume's configuration. */
  public VolumeConfig config() {
    return Objects.requireNonNull(live.served("vm1"), "left out");
  }

  public void snapshot(String name) throws Exception {
    snapshots.create("vm1", name, 16, 0, false);
  }

  /** Writes to the volume what {@code seed} gives, zeros for seed 0. */
  public void write(int offset, int length, long seed) throws Exception {
    write("vm1", offset, length, seed);
    System.arraycopy(data(length, seed), 0, contents, offset, length);
  }

  public static byte[] data(int length, long seed) {
    byte[] data = new byte[length];
    if (seed != 0) {
      new Random(seed).nextBytes(data);
    }
    return data;
  }

  public void write(String device, int offset, int length, long seed) throws Exception {
    begin(device, offset, length, seed).join();
  }

  /** Begins a write; done when it is. */
  public CompletableFuture<Boolean> begin(String device, int offset, int length, long seed)
      throws Exception {
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    OpenDevice open = storage.devices().hold(device);
    ByteBuffer data = ByteBuffer.allocateDirect(length).put(data(length, seed)).flip();
    open.device()
        .submit(
            Io.write(
                offset / 512,
                data,
                false,
                (io, error) -> {
                  open.release();
                  if (error == null) {
                    done.complete(true);
                  } else {
                    done.completeExceptionally(error.toException());
                  }
                }));
    return done;
  }

  @Override
  public void close() throws IOException {
    exports.close();
    snapshots.close();
    uses.close();
    if (!storage.close(Duration.ofMinutes(1))) {
      throw new IOException("not closed well");
    }
    scheduler.close();
  }
}
