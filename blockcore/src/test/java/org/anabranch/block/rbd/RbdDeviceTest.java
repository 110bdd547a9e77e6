// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import static org.anabranch.block.testing.Contents.close;
import static org.anabranch.block.testing.Contents.random;
import static org.anabranch.block.testing.Contents.read;
import static org.anabranch.block.testing.Contents.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.IoLatch;
import org.anabranch.block.Tenure;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.NoPaths;
import org.anabranch.block.snapshot.Bounds;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.targets.TargetTypes;
import org.anabranch.block.testing.Await;
import org.anabranch.block.testing.TestCeph;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Images of a real cluster, which keeps them in memory. */
@Timeout(120)
final class RbdDeviceTest {
  private static final AtomicInteger NEXT = new AtomicInteger();
  private static final long CALL = TimeUnit.SECONDS.toNanos(30);

  /** Three objects. */
  private static final int SECTORS = 3 * 8192;

  private static @Nullable TestCeph ceph;

  private final ThreadScheduler scheduler = new ThreadScheduler("rbd test");
  private final List<RbdDevice> open = new ArrayList<>();
  private final RbdImage image =
      new RbdImage(ceph().conf().toString(), "admin", "rbd", "", "i" + NEXT.incrementAndGet());

  @BeforeAll
  static void up() throws Exception {
    ceph = TestCeph.require(false);
  }

  @AfterAll
  static void down() throws Exception {
    if (ceph != null) {
      ceph.close();
    }
  }

  private static TestCeph ceph() {
    return Objects.requireNonNull(ceph);
  }

  @AfterEach
  void closeAll() throws Exception {
    for (RbdDevice each : open) {
      close(each);
    }
    scheduler.close();
  }

  private RbdDevice make() throws IOException {
    RbdImages.make(image, SECTORS * 512L, CALL);
    return open(RbdOptions.DEFAULT);
  }

  private RbdDevice open(RbdOptions options) throws IOException {
    RbdDevice device = RbdDevice.open("vm1", image, options, scheduler);
    open.add(device);
    return device;
  }

  private static CompletableFuture<@Nullable IoError> submit(RbdDevice device, Io.Op op) {
    CompletableFuture<@Nullable IoError> end = new CompletableFuture<>();
    ByteBuffer data = ByteBuffer.allocateDirect(4096);
    device.submit(
        op == Io.Op.READ
            ? Io.read(0, data, (io, error) -> end.complete(error))
            : Io.write(0, data, false, (io, error) -> end.complete(error)));
    return end;
  }

  @Test
  void everyOperationDoesWhatItSays() throws Exception {
    RbdDevice device = make();
    assertThat(device.sectors()).isEqualTo(SECTORS);
    ByteBuffer data = random(3000, 1);
    write(device, 8000, data); // across the border of two objects
    assertThat(read(device, 8000, 3000)).isEqualTo(data);
    assertThat(read(device, 0, 8000)).isEqualTo(ByteBuffer.allocate(8000 * 512));
    IoLatch.await(device, done -> Io.writeZeroes(8001, 2000, true, done));
    assertThat(read(device, 8001, 2000)).isEqualTo(ByteBuffer.allocate(2000 * 512));
    assertThat(read(device, 8000, 1)).isEqualTo(data.slice(0, 512));
    IoLatch.await(device, done -> Io.discard(8000, 1, done));
    assertThat(read(device, 8000, 1)).isEqualTo(ByteBuffer.allocate(512));
    ByteBuffer heap = ByteBuffer.wrap(new byte[1024]).put(0, (byte) 7).put(1023, (byte) 8);
    IoLatch.await(device, done -> Io.write(5, heap, true, done));
    assertThat(read(device, 5, 2)).isEqualTo(heap);
    IoLatch.await(device, Io::flush);
    assertThatThrownBy(() -> read(device, SECTORS - 1, 2)).hasMessageContaining("beyond the end");
    assertThat(device.interruption()).isNull();
    assertThat(device.departure()).isNull();
    close(device);
    assertThatThrownBy(() -> read(device, 0, 1)).hasMessageContaining("vm1 is closed");
    RbdDevice again = open(RbdOptions.DEFAULT);
    assertThat(read(again, 5, 2)).isEqualTo(heap);
  }

  @Test
  void whatIsLargerThanARequestToCephIsDivided() throws Exception {
    RbdImages.make(image, 3L << 30, CALL);
    RbdDevice device = open(RbdOptions.DEFAULT);
    ByteBuffer data = random(5 << 20 >> 8, 9);
    write(device, 1, data);
    assertThat(read(device, 1, data.capacity() / 512)).isEqualTo(data);
    IoLatch.await(device, done -> Io.discard(0, device.sectors(), done));
    assertThat(read(device, 1, 64)).isEqualTo(ByteBuffer.allocate(64 * 512));
    Io status = IoLatch.await(device, done -> Io.blockStatus(0, device.sectors(), done));
    assertThat(status.allocated()).isFalse();
    assertThat(status.statusSectors()).isEqualTo(256 << 20 >> 9);
  }

  @Test
  void holesAreObjectsThatAreNotThere() throws Exception {
    RbdDevice device = make();
    write(device, 8192, random(8, 2));
    Io first = IoLatch.await(device, done -> Io.blockStatus(100, SECTORS - 100, done));
    assertThat(first.allocated()).isFalse();
    assertThat(first.statusSectors()).isEqualTo(8092);
    Io second = IoLatch.await(device, done -> Io.blockStatus(8200, SECTORS - 8200, done));
    assertThat(second.allocated()).isTrue();
    assertThat(second.statusSectors()).isEqualTo(2 * 8192 - 8200);
    IoLatch.await(device, done -> Io.discard(8192, 8192, done));
    Io third = IoLatch.await(device, done -> Io.blockStatus(0, SECTORS, done));
    assertThat(third.allocated()).isFalse();
    assertThat(third.statusSectors()).isEqualTo(SECTORS);
  }

  @Test
  void anImageGrowsAndShrinksAndCarriesLabels() throws Exception {
    RbdDevice device = make();
    ByteBuffer data = random(16, 3);
    write(device, SECTORS - 16, data);
    device.resize(2 * SECTORS).toCompletableFuture().get(30, TimeUnit.SECONDS);
    assertThat(device.sectors()).isEqualTo(2 * SECTORS);
    assertThat(read(device, SECTORS - 16, 16)).isEqualTo(data);
    assertThat(read(device, SECTORS, SECTORS)).isEqualTo(ByteBuffer.allocate(SECTORS * 512));
    device.resize(SECTORS).toCompletableFuture().get(30, TimeUnit.SECONDS);
    assertThatThrownBy(() -> read(device, SECTORS, 1)).hasMessageContaining("beyond the end");
    assertThat(device.label("anabranch.mark")).isEmpty();
    device.label("anabranch.mark", "grüß");
    assertThat(device.label("anabranch.mark")).isEqualTo("grüß");
    assertThat(RbdImages.label(image, "anabranch.mark", CALL)).isEqualTo("grüß");
    RbdImages.Facts facts = Objects.requireNonNull(RbdImages.look(image, CALL));
    assertThat(facts.bytes()).isEqualTo(SECTORS * 512L);
    assertThat(facts.id()).isEqualTo(device.id());
    close(device);
    RbdImages.label(image, "anabranch.mark", "b", CALL);
    assertThat(RbdImages.label(image, "anabranch.mark", CALL)).isEqualTo("b");
    RbdImages.resize(image, SECTORS * 1024L, CALL);
    assertThat(open(RbdOptions.DEFAULT).sectors()).isEqualTo(2 * SECTORS);
  }

  /** What one of them has changed since, the other one does not write over. */
  @Test
  void ownerAndOthersExchangeTheTextsThatAnImageCarries() throws Exception {
    RbdDevice device = make();
    assertThat(device.exchange("anabranch.text", "", "of the owner, grüß")).isTrue();
    assertThat(RbdImages.exchange(image, "anabranch.text", "", "late", CALL)).isFalse();
    assertThat(RbdImages.label(image, "anabranch.text", CALL)).isEqualTo("of the owner, grüß");
    String other = "of another one ".repeat(10_000);
    assertThat(RbdImages.exchange(image, "anabranch.text", "of the owner, grüß", other, CALL))
        .isTrue();
    assertThat(device.exchange("anabranch.text", "of the owner, grüß", "late")).isFalse();
    assertThat(device.label("anabranch.text")).isEqualTo(other);
    assertThat(device.exchange("anabranch.text", other, "")).isTrue();
    assertThat(RbdImages.exchange(image, "anabranch.text", "", "again", CALL)).isTrue();
    assertThat(device.label("anabranch.text")).isEqualTo("again");
  }

  @Test
  void refusalsSayWhy() throws Exception {
    assertThat(RbdImages.look(image, CALL)).isNull();
    assertThatThrownBy(() -> open(RbdOptions.DEFAULT))
        .isInstanceOf(RbdAbsentException.class)
        .hasMessage("there is no image " + image.spec());
    RbdDevice first = make();
    assertThatThrownBy(() -> RbdImages.make(image, 512, CALL))
        .hasMessage("the image exists already");
    assertThatThrownBy(() -> open(RbdOptions.DEFAULT))
        .hasMessageContaining("another client has the image's exclusive lock");
    RbdDevice reader = open(RbdOptions.DEFAULT.withReadOnly(true));
    assertThatThrownBy(() -> write(reader, 0, random(1, 1))).hasMessageContaining("read-only");
    write(first, 0, random(1, 4));
    assertThat(read(reader, 0, 1)).isEqualTo(random(1, 4));
    RbdImage pool = new RbdImage(image.conf(), "admin", "none", "", "x");
    assertThatThrownBy(() -> RbdDevice.open("a", pool, RbdOptions.DEFAULT, scheduler))
        .hasMessage("there is no pool none");
    RbdImage conf = new RbdImage("/nowhere/ceph.conf", "admin", "rbd", "", "x");
    assertThatThrownBy(() -> RbdDevice.open("a", conf, RbdOptions.DEFAULT, scheduler))
        .hasMessage("/nowhere/ceph.conf: No such file or directory");
    String plain = "rbd/plain" + NEXT.incrementAndGet();
    ceph().run("rbd", List.of("create", "--size", "1M", "--image-feature", "layering", plain));
    RbdImage without = new RbdImage(image.conf(), "admin", "rbd", "", plain.substring(4));
    assertThatThrownBy(() -> RbdDevice.open("a", without, RbdOptions.DEFAULT, scheduler))
        .hasMessageContaining("rbd feature enable " + plain + " exclusive-lock");
    RbdImages.delete(without, CALL);
    RbdImages.delete(without, CALL);
    assertThat(RbdImages.look(without, CALL)).isNull();
  }

  private void breakLock() throws Exception {
    String locks = ceph().run("rbd", List.of("lock", "ls", "--format", "json", image.spec()));
    String locker = locks.replaceAll("(?s).*\"locker\":\"([^\"]*)\".*", "$1");
    String id = locks.replaceAll("(?s).*\"id\":\"([^\"]*)\".*", "$1");
    ceph().run("rbd", List.of("lock", "rm", image.spec(), id, locker));
  }

  private RbdImage beside(String suffix) {
    return new RbdImage(image.conf(), "admin", "rbd", "", image.name() + suffix);
  }

  private RbdDevice openBeside(RbdDevice device, String suffix) throws IOException {
    RbdDevice store = device.openBeside(suffix, beside(suffix));
    open.add(store);
    return store;
  }

  @Test
  void whoIsShutOutKnowsThatOfAllItsImagesAtOnce() throws Exception {
    RbdDevice device = make();
    for (String suffix : List.of(".a", ".b", ".c")) {
      device.makeBeside(beside(suffix), 1 << 20);
    }
    RbdDevice a = openBeside(device, ".a");
    RbdDevice b = openBeside(device, ".b");
    RbdDevice c = openBeside(device, ".c");
    write(a, 0, random(8, 1));
    close(c);
    breakLock();
    assertThat(Objects.requireNonNull(submit(a, Io.Op.WRITE).get(30, TimeUnit.SECONDS)).kind())
        .isEqualTo(IoError.Kind.ELSEWHERE);
    for (RbdDevice each : List.of(device, a, b)) {
      Await.until(each.name() + " knows it", () -> each.departure() != null);
    }
    assertThat(c.departure()).isNull();
    assertThatThrownBy(() -> openBeside(device, ".c")).isInstanceOf(IOException.class);
  }

  /** A server that is shut out in the middle of a load gets an answer, and so does the load. */
  @Test
  void aSnapshotIsRefusedWhoseServerIsShutOutBeforeTheRecordIsRead() throws Exception {
    RbdDevice device = make();
    device.makeBeside(beside(".cow"), 1 << 20);
    RbdDevice cow = openBeside(device, ".cow");
    InvalidStores records =
        new InvalidStores() {
          @Override
          public CompletionStage<@Nullable Void> add(BlockDevice store) {
            return CompletableFuture.completedFuture(null);
          }

          @Override
          public CompletionStage<Boolean> contains(BlockDevice store) {
            return Patience.start(
                "record",
                () -> {
                  breakLock();
                  return device.label("anabranch.invalid-stores").contains(store.name());
                },
                late -> {});
          }
        };
    DeviceMapper mapper =
        new DeviceMapper(scheduler, new NoPaths(), TargetTypes.standard(Bounds.DEFAULT, records));
    mapper.addVolume("origin", device);
    mapper.addVolume("cow", cow);
    long begin = System.nanoTime();
    assertThatThrownBy(() ->
            mapper
                .create("s", "0 " + SECTORS + " snapshot origin cow P 8")
                .toCompletableFuture()
                .get(60, TimeUnit.SECONDS))
        .hasMessageContaining("Failed to read snapshot metadata");
    assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(15));
  }

  /** Nobody waits for the calls of that name any more. */
  private static void awaitLate(String call) throws Exception {
    Await.until(
        "the call ends",
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith(call)));
  }

  @Test
  void whatCephDoesTooLateIsTakenBack() throws Exception {
    RbdDevice device = make();
    device.makeBeside(beside(".a"), 1 << 20);
    close(device);
    long call = TimeUnit.SECONDS.toNanos(2);
    RbdDevice hasty = open(RbdOptions.DEFAULT.withTimes(call, call));
    ceph().stopOsd();
    try {
      assertThatThrownBy(() -> hasty.makeBeside(beside(".b"), 1 << 20))
          .hasMessage("the Ceph cluster has not answered for 2 s");
      assertThatThrownBy(() -> openBeside(hasty, ".a"))
          .hasMessage("the Ceph cluster has not answered for 2 s");
    } finally {
      ceph().continueOsd();
    }
    awaitLate("rbd make");
    awaitLate("rbd open");
    awaitLate("rbd close");
    assertThat(RbdImages.look(beside(".b"), CALL)).isNull();
    RbdImages.delete(beside(".a"), CALL); // would fail if somebody had it open
    hasty.makeBeside(beside(".b"), 1 << 20);
    write(openBeside(hasty, ".b"), 0, random(8, 1));
  }

  /** The owner is a program of Ceph that passes for a server like this. */
  @Test
  void aServerThatStartsAsksTheOwnerAndTakesTheImageFromOneThatStandsStill() throws Exception {
    RbdImages.make(image, 64 << 20, CALL);
    Process owner =
        new ProcessBuilder(
                List.of(
                    "rbd -c %s bench --io-type write --io-size 4K --io-total 1T %s"
                        .formatted(image.conf(), image.spec())
                        .split(" ", -1)))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      RbdClient other = RbdClient.join(image, false);
      Await.until("it has the lock", () -> !Librbd.lockOwner(other.image()).isEmpty());
      String address = Librbd.lockOwner(other.image());
      other.close();
      assertThat(RbdImages.exchange(image, RbdClient.HOLDER, "", address + " b n p s", CALL))
          .isTrue();
      SharedRbdDevice standby = SharedRbdDevice.open("vm1", image, RbdOptions.DEFAULT, scheduler);
      assertThat(standby.tenure().word()).isEqualTo("standby");
      standby.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
      new ProcessBuilder("kill", "-STOP", "" + owner.pid()).start().waitFor();
      long begin = System.nanoTime();
      SharedRbdDevice active = SharedRbdDevice.open("vm1", image, RbdOptions.DEFAULT, scheduler);
      assertThat(active.tenure()).isEqualTo(Tenure.ACTIVE);
      assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(15));
      active.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
    } finally {
      owner.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
    }
  }

  /** Whatever goes wrong when a server prepares, the image goes back to one that serves it. */
  @Test
  void aServerThatCannotServeGivesTheImageBack() throws Exception {
    RbdImages.make(image, SECTORS * 512L, CALL);
    SharedRbdDevice first = SharedRbdDevice.open("vm1", image, RbdOptions.DEFAULT, scheduler);
    SharedRbdDevice second = SharedRbdDevice.open("vm1", image, RbdOptions.DEFAULT, scheduler);
    try {
      assertThat(first.tenure()).isEqualTo(Tenure.ACTIVE);
      Queue<String> heard = new ConcurrentLinkedQueue<>();
      first.onTenure(tenure -> heard.add(tenure.word()));
      second.onTenure(tenure -> {
        throw new IllegalStateException("a listener, on purpose");
      });
      second.beforeActive(open -> {
        throw new AssertionError("on purpose");
      });
      assertThatThrownBy(() -> second.takeOver().toCompletableFuture().get(30, TimeUnit.SECONDS))
          .hasMessageContaining("vm1: it cannot be served here: on purpose");
      assertThat(second.tenure().word()).isEqualTo("standby");
      Await.until("the first one serves again", () -> heard.contains("active"));
      assertThat(heard.peek()).isEqualTo("fenced");
      IoLatch.await(first, done -> Io.write(0, random(8, 1), false, done));
      second.beforeActive(Runnable::run);
      second.takeOver().toCompletableFuture().get(30, TimeUnit.SECONDS);
      assertThat(second.tenure()).isEqualTo(Tenure.ACTIVE);
    } finally {
      first.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
      second.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void whoeverBreaksTheLockShutsThisClientOut() throws Exception {
    RbdDevice device = make();
    write(device, 0, random(8, 5));
    breakLock();
    for (Io.Op op : List.of(Io.Op.WRITE, Io.Op.READ, Io.Op.WRITE)) {
      IoError error = Objects.requireNonNull(submit(device, op).get(30, TimeUnit.SECONDS));
      assertThat(error.kind()).isEqualTo(IoError.Kind.ELSEWHERE);
      assertThat(error.message()).contains("another client has taken the image over");
    }
    assertThat(device.departure()).contains("blocklisted");
    assertThatThrownBy(() -> IoLatch.await(device, done -> Io.blockStatus(0, 8, done)))
        .isInstanceOf(IOException.class);
    RbdDevice next = open(RbdOptions.DEFAULT);
    assertThat(read(next, 0, 8)).isEqualTo(random(8, 5));
    write(next, 0, random(8, 6));
    close(device);
    assertThat(read(next, 0, 8)).isEqualTo(random(8, 6));
  }

  /** The holder that died is this process under another start time. */
  @Test
  void theLockOfADeadProcessOfThisMachineIsTakenAtOnce() throws Exception {
    RbdDevice device = make();
    write(device, 0, random(8, 5));
    String holder = device.label(RbdClient.HOLDER);
    assertThat(holder)
        .startsWith("127.0.0.1:0/")
        .contains(" " + ProcessHandle.current().pid() + " ");
    device.label(RbdClient.HOLDER, "1" + holder + "1");
    assertThatThrownBy(() -> open(RbdOptions.DEFAULT)).hasMessageContaining("exclusive lock");
    device.label(RbdClient.HOLDER, holder + "1");
    long begin = System.nanoTime();
    RbdDevice next = open(RbdOptions.DEFAULT);
    assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(15));
    assertThat(Objects.requireNonNull(submit(device, Io.Op.WRITE).get(30, TimeUnit.SECONDS)).kind())
        .isEqualTo(IoError.Kind.ELSEWHERE);
    assertThat(read(next, 0, 8)).isEqualTo(random(8, 5));
  }

  @Test
  void requestsFailWhenCephDoesNotAnswerAndGoOnWhenItDoes() throws Exception {
    RbdDevice device = make();
    close(device);
    long outage = TimeUnit.SECONDS.toNanos(1);
    RbdDevice patient = open(RbdOptions.DEFAULT.withTimes(outage, TimeUnit.SECONDS.toNanos(2)));
    write(patient, 8, random(8, 7));
    ceph().stopOsd();
    try {
      CompletableFuture<@Nullable IoError> wrote = submit(patient, Io.Op.WRITE);
      CompletableFuture<@Nullable IoError> got = submit(patient, Io.Op.READ);
      assertThat(wrote.get(30, TimeUnit.SECONDS)).isNotNull();
      IoError error = Objects.requireNonNull(got.get(30, TimeUnit.SECONDS));
      assertThat(error.message()).isEqualTo("vm1: Ceph has not answered for 1 s");
      assertThat(patient.interruption()).contains("requests have failed");
      assertThat(patient.departure()).isNull();
      RbdImage other = new RbdImage(image.conf(), "admin", "rbd", "", "other");
      assertThatThrownBy(() ->
              RbdDevice.open("a", other, RbdOptions.DEFAULT.withTimes(outage, outage), scheduler))
          .hasMessage("the Ceph cluster has not answered for 1 s");
    } finally {
      ceph().continueOsd();
    }
    Await.until("Ceph answers", () -> patient.interruption() == null);
    assertThat(read(patient, 8, 8)).isEqualTo(random(8, 7));
    assertThat(patient.counts().counters(RbdCounter.class).get(RbdCounter.LATE_ANSWERS))
        .isEqualTo(2);
  }

  static LongStream seeds() {
    long from = Long.getLong("sim.fresh.from", 1000);
    return LongStream.concat(
        LongStream.rangeClosed(1, 4), LongStream.range(from, from + Long.getLong("rbd.fresh", 0)));
  }

  /**
   * Random requests, many at a time. More seeds with {@code -Drbd.fresh=COUNT
   * -Dsim.fresh.from=FIRST}.
   */
  @ParameterizedTest
  @MethodSource("seeds")
  void theImageIsAsItWasWritten(long seed) throws Exception {
    Random random = new Random(seed);
    RbdDevice device = make();
    byte[] model = new byte[SECTORS * 512];
    for (int round = 0; round < 20; round++) {
      List<Expected> expected = new ArrayList<>();
      List<CompletableFuture<@Nullable IoError>> ends = new ArrayList<>();
      for (int sector = random.nextInt(50); sector < SECTORS - 200; ) {
        int count = random.nextInt(40) == 0 ? 4000 : 1 + random.nextInt(60);
        count = Math.min(count, SECTORS - sector);
        CompletableFuture<@Nullable IoError> end = new CompletableFuture<>();
        ends.add(end);
        submit(device, random, sector, count, model, expected, end);
        sector += count + random.nextInt(100);
      }
      for (CompletableFuture<@Nullable IoError> end : ends) {
        assertThat(end.get(60, TimeUnit.SECONDS)).isNull();
      }
      expected.forEach(each -> assertThat(each.got()).isEqualTo(each.wanted()));
    }
    assertThat(read(device, 0, SECTORS)).isEqualTo(ByteBuffer.wrap(model));
    close(device);
    assertThat(read(open(RbdOptions.DEFAULT), 0, SECTORS)).isEqualTo(ByteBuffer.wrap(model));
  }

  private record Expected(ByteBuffer got, ByteBuffer wanted) {}

  private static void submit(
      RbdDevice device,
      Random random,
      int sector,
      int count,
      byte[] model,
      List<Expected> expected,
      CompletableFuture<@Nullable IoError> end) {
    boolean fua = random.nextInt(10) == 0;
    switch (random.nextInt(10)) {
      case 0, 1, 2, 3 -> {
        ByteBuffer data = random(count, random.nextLong());
        data.get(0, model, sector * 512, count * 512);
        device.submit(Io.write(sector, data, fua, (io, error) -> end.complete(error)));
      }
      case 4, 5 -> {
        Arrays.fill(model, sector * 512, (sector + count) * 512, (byte) 0);
        device.submit(
            random.nextBoolean()
                ? Io.writeZeroes(sector, count, fua, (io, error) -> end.complete(error))
                : Io.discard(sector, count, (io, error) -> end.complete(error)));
      }
      case 6 -> device.submit(Io.flush((io, error) -> end.complete(error)));
      default -> {
        ByteBuffer into = ByteBuffer.allocateDirect(count * 512);
        byte[] now = Arrays.copyOfRange(model, sector * 512, (sector + count) * 512);
        expected.add(new Expected(into, ByteBuffer.wrap(now)));
        device.submit(Io.read(sector, into, (io, error) -> end.complete(error)));
      }
    }
  }
}
