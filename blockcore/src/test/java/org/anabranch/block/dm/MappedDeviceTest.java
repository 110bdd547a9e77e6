// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import static org.anabranch.block.dm.Ended.done;
import static org.anabranch.block.dm.Ended.filled;
import static org.anabranch.block.dm.Ended.refusal;
import static org.anabranch.block.dm.Ended.value;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Io;
import org.anabranch.block.IoCounter;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.count.Counters;
import org.anabranch.block.sim.SimScheduler;
import org.anabranch.block.targets.TargetTypes;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Requests on their way through a device: borders, suspend and resume, the queue, removal. */
final class MappedDeviceTest {
  private final SimScheduler scheduler = new SimScheduler(1);
  private final Probe probe = new Probe();
  private final ManualDisk a = new ManualDisk("a", 64);
  private final ManualDisk b = new ManualDisk("b", 64);
  private DeviceMapper mapper = new DeviceMapper(scheduler, new NoPaths(), List.of());

  @BeforeEach
  void devices() throws TableException {
    List<TargetType> types = new ArrayList<>(TargetTypes.standard());
    types.add(probe);
    mapper = new DeviceMapper(scheduler, new NoPaths(), types);
    mapper.addVolume("a", a);
    mapper.addVolume("b", b);
  }

  private MappedDevice device(String table) {
    return value(mapper.create("dev", table));
  }

  private static Ended submit(MappedDevice device, Io.Op op, long sector, int sectors) {
    Ended ended = new Ended();
    ByteBuffer data = ByteBuffer.allocateDirect(sectors * 512);
    device.submit(
        switch (op) {
          case READ -> Io.read(sector, data, ended);
          case WRITE -> Io.write(sector, data, false, ended);
          case FLUSH -> Io.flush(ended);
          case DISCARD -> Io.discard(sector, sectors, ended);
          case WRITE_ZEROES -> Io.writeZeroes(sector, sectors, false, ended);
          case BLOCK_STATUS -> Io.blockStatus(sector, sectors, ended);
        });
    return ended;
  }

  @Test
  void countsEachRequestWhenItGoesOn() {
    MappedDevice device = device("0 64 linear a 0");
    Counters<IoCounter> ios = device.counts().counters(IoCounter.class);
    Counters<DeviceCounter> counters = device.counts().counters(DeviceCounter.class);
    submit(device, Io.Op.WRITE, 0, 8);
    done(mapper.suspend("dev", SuspendMode.NOFLUSH));
    submit(device, Io.Op.READ, 0, 2);
    assertThat(ios.get(IoCounter.READS)).isZero();
    assertThat(counters.get(DeviceCounter.DEFERRED)).isEqualTo(1);
    done(mapper.resume("dev"));
    assertThat(ios.get(IoCounter.READS)).isEqualTo(1);
    assertThat(ios.get(IoCounter.READ_BYTES)).isEqualTo(1024);
    assertThat(ios.get(IoCounter.WRITES)).isEqualTo(1);
    assertThat(ios.get(IoCounter.WRITTEN_BYTES)).isEqualTo(4096);
    assertThat(counters.get(DeviceCounter.DEFERRED)).isEqualTo(1);
    assertThat(counters.get(DeviceCounter.SUSPENDS)).isEqualTo(1);
    assertThat(counters.get(DeviceCounter.TABLE_CHANGES)).isEqualTo(1);
    done(mapper.reload("dev", "0 64 linear b 0"));
    assertThat(counters.get(DeviceCounter.TABLE_CHANGES)).isEqualTo(2);
    assertThat(ios.get(IoCounter.WRITES)).isEqualTo(1);
  }

  @Test
  void splitsAtBorders() {
    MappedDevice device = device("0 8 linear a 10\n8 4 linear b 0\n12 8 linear a 40");
    ByteBuffer data = ByteBuffer.allocateDirect(12 * 512);
    for (int i = 0; i < 12; i++) {
      data.put(i * 512, (byte) (i + 1));
    }
    Ended write = new Ended();

    device.submit(Io.write(4, data, true, write));

    write.isDone();
    assertThat(write.range).isEqualTo("4+12");
    assertThat(a.log()).containsExactly("WRITE FUA 14+4", "WRITE FUA 40+4");
    assertThat(b.log()).containsExactly("WRITE FUA 0+4");
    assertThat(a.bytes()[14 * 512]).isEqualTo((byte) 1);
    assertThat(b.bytes()[0]).isEqualTo((byte) 5);
    assertThat(a.bytes()[43 * 512]).isEqualTo((byte) 12);
    ByteBuffer back = ByteBuffer.allocateDirect(12 * 512);
    Ended read = new Ended();
    device.submit(Io.read(4, back, read));
    read.isDone();
    assertThat(back).isEqualTo(data);
  }

  @Test
  void theFirstFailedPieceDecides() {
    a.hold();
    b.hold();
    MappedDevice device = device("0 8 linear a 0\n8 8 linear b 0");
    a.fault(io -> IoError.of(IoError.Kind.NO_SPACE, "a is full"));
    b.fault(io -> IoError.of(IoError.Kind.IO, "b fails"));

    Ended write = submit(device, Io.Op.WRITE, 4, 8);
    b.release();
    write.isWaiting();
    a.release();

    write.failed(IoError.Kind.NO_SPACE);
  }

  @Test
  void flushesEveryTarget() {
    MappedDevice device = device("0 8 linear a 0\n8 8 linear b 0\n16 8 zero");
    a.hold();

    Ended flush = submit(device, Io.Op.FLUSH, 0, 0);

    assertThat(b.log()).containsExactly("FLUSH 0+0");
    flush.isWaiting();
    a.release();
    flush.isDone();
  }

  @Test
  void asksTheFirstTargetForTheAllocation() {
    MappedDevice device = device("0 8 linear a 10\n8 8 zero");
    Ended ended = new Ended();
    Io question = Io.blockStatus(4, 12, ended);

    device.submit(question);

    ended.isDone();
    assertThat(a.log()).containsExactly("BLOCK_STATUS 14+4");
    assertThat(question.allocated()).isTrue();
    assertThat(question.statusSectors()).isEqualTo(4);
  }

  @Test
  void refusesWhatLiesBeyondTheEnd() {
    MappedDevice device = device("0 8 linear a 0");

    submit(device, Io.Op.READ, 7, 2).failed(IoError.Kind.OUT_OF_RANGE);
    submit(device, Io.Op.DISCARD, 9, 0).failed(IoError.Kind.OUT_OF_RANGE);
    submit(device, Io.Op.READ, 8, 0).isDone();
    submit(value(mapper.create("empty")), Io.Op.FLUSH, 0, 0).failed(IoError.Kind.IO);
    assertThat(a.log()).isEmpty();
  }

  @Test
  void suspendWaitsForWhatIsInFlight() throws TableException {
    a.hold();
    MappedDevice device = device("0 8 linear a 0");
    Ended write = submit(device, Io.Op.WRITE, 0, 4);

    CompletionStage<?> suspended = mapper.suspend("dev", SuspendMode.FLUSH);

    assertThat(suspended.toCompletableFuture()).isNotDone();
    assertThat(device.inFlight()).isOne();
    Ended late = submit(device, Io.Op.READ, 0, 4);
    assertThat(a.log()).hasSize(1);
    a.releaseOne();
    write.isDone();
    assertThat(suspended.toCompletableFuture()).isCompleted();
    assertThat(mapper.info("dev").suspended()).isTrue();
    assertThat(mapper.info("dev").text()).contains("State:             SUSPENDED");
    late.isWaiting();
    done(mapper.suspend("dev", SuspendMode.FLUSH));

    done(mapper.resume("dev"));
    a.release();

    late.isDone();
    assertThat(mapper.info("dev").suspended()).isFalse();
    done(mapper.resume("dev"));
  }

  @Test
  void whatWaitedGoesOnInOrderToTheNewTable() {
    MappedDevice device = device("0 8 linear a 0");
    done(mapper.suspend("dev", SuspendMode.FLUSH));
    List<Ended> waiting = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      waiting.add(submit(device, Io.Op.WRITE, i, 1));
    }
    assertThat(device.waiting()).isEqualTo(8);

    done(mapper.reload("dev", "0 7 linear b 20"));

    waiting.subList(0, 7).forEach(Ended::isDone);
    waiting.get(7).failed(IoError.Kind.OUT_OF_RANGE);
    assertThat(a.log()).isEmpty();
    assertThat(b.log())
        .containsExactly(
            "WRITE 20+1",
            "WRITE 21+1",
            "WRITE 22+1",
            "WRITE 23+1",
            "WRITE 24+1",
            "WRITE 25+1",
            "WRITE 26+1");
    assertThat(device.sectors()).isEqualTo(7);
  }

  @Test
  void theQueueOfASuspendedDeviceIsBounded() {
    MappedDevice device = device("0 8 linear a 0");
    done(mapper.suspend("dev", SuspendMode.NOFLUSH));
    List<Ended> waiting = new ArrayList<>();
    for (int i = 0; i < DeferredIos.MAX; i++) {
      waiting.add(submit(device, Io.Op.FLUSH, 0, 0));
    }

    Ended tooMany = submit(device, Io.Op.FLUSH, 0, 0);

    tooMany.failed(IoError.Kind.IO);
    waiting.forEach(Ended::isWaiting);
    done(mapper.resume("dev"));
    waiting.forEach(Ended::isDone);
    submit(device, Io.Op.FLUSH, 0, 0).isDone();
  }

  @Test
  void removalEndsWhatWaitsAndWhatComes() {
    MappedDevice device = device("0 8 linear a 0");
    done(mapper.suspend("dev", SuspendMode.FLUSH));
    Ended waiting = submit(device, Io.Op.WRITE, 0, 1);

    done(mapper.remove("dev"));

    waiting.failed(IoError.Kind.GONE);
    submit(device, Io.Op.WRITE, 0, 1).failed(IoError.Kind.GONE);
    assertThat(a.log()).isEmpty();
    assertThat(device.sectors()).isZero();
  }

  @Test
  void targetsLiveAsUnderLinux() {
    MappedDevice device = device("0 8 probe");
    assertThat(probe.life).containsExactly("create", "preresume", "resume");
    probe.life.clear();

    done(mapper.suspend("dev", SuspendMode.NOFLUSH));
    done(mapper.resume("dev"));
    assertThat(probe.life)
        .containsExactly("presuspend noflush", "postsuspend", "preresume", "resume");
    probe.life.clear();

    done(mapper.reload("dev", "0 8 probe"));
    assertThat(probe.life)
        .containsExactly("create", "presuspend", "postsuspend", "preresume", "resume", "close");
    probe.life.clear();

    done(mapper.remove("dev"));
    assertThat(probe.life).containsExactly("presuspend noflush", "postsuspend", "close");
    assertThat(device.suspended()).isTrue();
  }

  @Test
  void requestsFlowWhileTargetsStopTheirWork() {
    MappedDevice device = device("0 8 probe");
    probe.presuspend = new CompletableFuture<>();
    CompletionStage<?> suspended = mapper.suspend("dev", SuspendMode.FLUSH);

    Ended write = submit(device, Io.Op.WRITE, 0, 1);
    assertThat(probe.mapped).hasSize(1);
    probe.presuspend.complete(null);
    assertThat(suspended.toCompletableFuture()).isNotDone();
    assertThat(probe.life).doesNotContain("postsuspend");
    probe.mapped.getFirst().complete(null);

    write.isDone();
    assertThat(suspended.toCompletableFuture()).isCompleted();
    assertThat(probe.life).endsWith("presuspend", "postsuspend");
  }

  @Test
  void aFailedPreresumeLeavesTheDeviceSuspendedWithTheNewTable() throws TableException {
    MappedDevice device = device("0 8 linear a 0");
    probe.preresume = CompletableFuture.failedFuture(new TableException("not yet"));

    assertThat(refusal(mapper.reload("dev", "0 8 probe"))).isEqualTo("not yet");

    assertThat(mapper.table("dev")).isEqualTo("0 8 probe ");
    assertThat(device.suspended()).isTrue();
    Ended write = submit(device, Io.Op.WRITE, 0, 1);
    write.isWaiting();
    probe.preresume = CompletableFuture.completedFuture(null);
    done(mapper.resume("dev"));
    assertThat(probe.mapped).hasSize(1);
    probe.mapped.getFirst().complete(null);
    write.isDone();
  }

  @Test
  void stepsOfADeviceWaitForEachOther() {
    device("0 8 probe");
    probe.presuspend = new CompletableFuture<>();
    CompletionStage<?> suspend = mapper.suspend("dev", SuspendMode.FLUSH);
    CompletionStage<?> resume = mapper.resume("dev");
    CompletionStage<String> message = mapper.message("dev", 0, List.of("x", "y"));
    value(mapper.create("other", "0 8 zero")); // not held up

    assertThat(resume.toCompletableFuture()).isNotDone();
    assertThat(message.toCompletableFuture()).isNotDone();
    probe.presuspend.complete(null);

    assertThat(suspend.toCompletableFuture()).isCompleted();
    assertThat(resume.toCompletableFuture()).isCompleted();
    assertThat(value(message)).isEqualTo("x+y");
  }

  @Test
  void stepsThatWaitAreBounded() {
    device("0 8 probe");
    probe.presuspend = new CompletableFuture<>();
    CompletionStage<?> first = mapper.suspend("dev", SuspendMode.FLUSH);
    List<CompletionStage<?>> waiting = new ArrayList<>();
    for (int i = 0; i < Steps.MAX_WAITING; i++) {
      waiting.add(mapper.suspend("dev", SuspendMode.FLUSH));
    }

    assertThat(refusal(mapper.suspend("dev", SuspendMode.FLUSH)))
        .startsWith("Resource temporarily unavailable");

    probe.presuspend.complete(null);
    assertThat(first.toCompletableFuture()).isCompleted();
    assertThat(waiting).allSatisfy(step -> assertThat(step.toCompletableFuture()).isCompleted());
  }

  @Test
  void eventsWakeThoseWhoWait() throws Exception {
    MappedDevice device = device("0 8 probe");
    TargetType.Context context = Objects.requireNonNull(probe.context);
    CompletionStage<Long> first = mapper.await("dev", 0);
    CompletionStage<Long> second = mapper.await("dev", 1);

    context.event();

    assertThat(scheduler.await(first, "the event")).isEqualTo(1);
    assertThat(device.eventNumber()).isEqualTo(1);
    assertThat(second.toCompletableFuture()).isNotDone();
    assertThat(value(mapper.await("dev", 0))).isEqualTo(1);
    done(mapper.remove("dev"));
    assertThat(refusal(second)).isEqualTo("No such device or address");
    context.event();
  }

  @Test
  void thoseWhoWaitForEventsAreBounded() throws Exception {
    MappedDevice device = device("0 8 probe");
    List<CompletableFuture<Long>> waiting = new ArrayList<>();
    for (int i = 0; i < Events.MAX; i++) {
      waiting.add(mapper.await("dev", 0));
    }

    assertThat(refusal(mapper.await("dev", 0))).startsWith("Resource temporarily unavailable");

    waiting.getFirst().cancel(false);
    assertThat(device.events().waiting()).isEqualTo(Events.MAX - 1);
    CompletionStage<Long> inItsPlace = mapper.await("dev", 0);
    Objects.requireNonNull(probe.context).event();
    assertThat(scheduler.await(inItsPlace, "the event")).isEqualTo(1);
  }

  @Test
  void limitsAreThoseOfAllTargets() {
    a.limits(new Limits(512, 4096, false, true, true, 8));
    b.limits(new Limits(1024, 1024, true, false, true, 1));

    MappedDevice device = device("0 8 linear a 0\n8 8 linear b 0");

    assertThat(device.limits()).isEqualTo(new Limits(1024, 4096, true, false, true, 8));
    assertThat(value(mapper.create("one", "0 8 linear a 0")).limits()).isEqualTo(a.limits());
  }

  @Test
  void limitsFollowTheDevicesBelow() {
    MappedDevice device = device("0 8 linear a 0\n8 8 linear b 0");
    Limits before = device.limits();
    assertThat(device.limits()).as("kept, since each write asks").isSameAs(before);

    b.limits(b.limits().withReadOnly(true));

    assertThat(device.limits().readOnly()).isTrue();
  }

  @Test
  void filledDataReachesTheDisk() {
    MappedDevice device = device("0 64 linear a 0");
    Ended write = new Ended();
    device.submit(Io.write(3, filled(2, 9), false, write));
    write.isDone();
    assertThat(a.bytes()[3 * 512]).isEqualTo((byte) 9);
    submit(device, Io.Op.WRITE_ZEROES, 3, 1).isDone();
    assertThat(a.bytes()[3 * 512]).isZero();
    assertThat(a.bytes()[4 * 512]).isEqualTo((byte) 9);
    submit(device, Io.Op.DISCARD, 4, 1).isDone();
    assertThat(a.bytes()[4 * 512]).isZero();
  }
}
