// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import static org.anabranch.block.dm.Ended.done;
import static org.anabranch.block.dm.Ended.filled;
import static org.anabranch.block.dm.Ended.value;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.dm.DeviceRef.Named;
import org.anabranch.block.dm.delay.DelaySpec;
import org.anabranch.block.dm.linear.LinearSpec;
import org.anabranch.block.file.FileOpener;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.block.targets.TargetTypes;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The end of requests that wait in devices, when the owner of one is gone or all is taken down. */
final class EndOfWaitingTest {
  private final SimScheduler scheduler = new SimScheduler(1);
  private final DeviceMapper mapper =
      new DeviceMapper(scheduler, new FileOpener(), TargetTypes.standard());
  private final ManualDisk disk = new ManualDisk("disk", 64);
  private final ManualDisk other = new ManualDisk("other", 64);

  @BeforeEach
  void devices() throws TableException {
    mapper.addVolume("disk", disk);
    mapper.addVolume("other", other);
  }

  private static TableSpec linear(String below) {
    return TableSpec.of(64, new LinearSpec(new Named(below), 0));
  }

  private static TableSpec delay(long millis) {
    AreaSpec area = new AreaSpec(new Named("disk"), 0);
    return TableSpec.of(64, new DelaySpec(List.of(new DelaySpec.Delay(area, millis))));
  }

  private static Ended write(MappedDevice device, long sector) {
    Ended ended = new Ended();
    device.submit(Io.write(sector, filled(1, 7), false, ended));
    return ended;
  }

  /** A write whose owner has ended its executor. */
  private static void writeOfOneWhoIsGone(MappedDevice device) {
    device.submit(
        Io.write(
            0,
            filled(1, 9),
            false,
            (io, error) -> {
              throw new RejectedExecutionException("event executor terminated");
            }));
  }

  @Test
  void aRemovalEndsAllWhateverOneCompletionThrows() {
    MappedDevice device = value(mapper.create("dev", linear("disk")));
    done(mapper.suspend("dev", SuspendMode.FLUSH));
    Ended before = write(device, 1);
    writeOfOneWhoIsGone(device);
    Ended after = write(device, 2);

    done(mapper.remove("dev"));

    before.failed(IoError.Kind.GONE);
    after.failed(IoError.Kind.GONE);
    done(mapper.removeVolume("disk"));
  }

  @Test
  void aResumeGoesOnWithAllWhateverOneCompletionThrows() {
    MappedDevice device = value(mapper.create("dev", linear("disk")));
    done(mapper.suspend("dev", SuspendMode.FLUSH));
    writeOfOneWhoIsGone(device);
    Ended after = write(device, 2);

    done(mapper.resume("dev"));

    after.isDone();
    assertThat(device.suspended()).isFalse();
  }

  @Test
  void aDelayEndsAllWhateverOneCompletionThrows() {
    MappedDevice device = value(mapper.create("dev", delay(3_600_000)));
    writeOfOneWhoIsGone(device);
    Ended after = write(device, 2);

    done(mapper.remove("dev"));

    after.isDone();
  }

  @Test
  void everyDeviceIsResumedWithTheTableThatItHas() {
    MappedDevice below = value(mapper.create("below", linear("disk")));
    MappedDevice above = value(mapper.create("above", linear("below")));
    value(mapper.create("empty"));
    done(mapper.suspend("below", SuspendMode.FLUSH));
    done(mapper.load("below", linear("other")));
    Ended waiting = write(above, 3);
    waiting.isWaiting();

    CompletableFuture<@Nullable Void> resumed = mapper.resumeAll().toCompletableFuture();

    assertThat(resumed).isCompleted();
    waiting.isDone();
    assertThat(disk.bytes()[3 * 512]).isEqualTo((byte) 7);
    assertThat(below.loadedTable()).isEqualTo(linear("other"));
    done(mapper.remove("above"));
    done(mapper.remove("below"));
  }

  @Test
  void aSyncWaitsForNoSuspendedDeviceAndNoDelay() {
    value(mapper.create("slow", delay(3_600_000)));
    value(mapper.create("dev", linear("other")));
    done(mapper.suspend("dev", SuspendMode.FLUSH));
    disk.clearLog();

    mapper.sync().values().forEach(Ended::done);

    assertThat(disk.log()).containsExactly("FLUSH 0+0");
    assertThat(other.log()).containsExactly("FLUSH 0+0");
  }
}
