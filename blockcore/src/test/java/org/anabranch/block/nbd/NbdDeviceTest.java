// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.nbd;

import static org.anabranch.block.testing.Contents.close;
import static org.anabranch.block.testing.Contents.flush;
import static org.anabranch.block.testing.Contents.random;
import static org.anabranch.block.testing.Contents.read;
import static org.anabranch.block.testing.Contents.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.anabranch.block.Io;
import org.anabranch.block.IoCounter;
import org.anabranch.block.IoError;
import org.anabranch.block.IoLatch;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.nbd.TestNbdServer.Ways;
import org.anabranch.block.testing.Await;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class NbdDeviceTest {
  private static final int SECTORS = 4096;
  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int FLUSH = 3;

  private final ThreadScheduler scheduler = new ThreadScheduler("nbd test");
  private final List<AutoCloseable> closing = new ArrayList<>();

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable each : closing.reversed()) {
      each.close();
    }
    scheduler.close();
  }

  private TestNbdServer server(Ways ways) throws IOException {
    TestNbdServer server = new TestNbdServer("disk", SECTORS * 512, ways);
    closing.add(server);
    return server;
  }

  private NbdDevice open(TestNbdServer server) throws IOException {
    return open(server, NbdOptions.DEFAULT);
  }

  private NbdDevice open(TestNbdServer server, NbdOptions options) throws IOException {
    return NbdDevice.open("vm1", new NbdExport(server.address(), "disk"), options, scheduler);
  }

  private static NbdOptions times(long silenceMillis, long outageMillis, long negotiationMillis) {
    return NbdOptions.DEFAULT.withTimes(
        silenceMillis * 1_000_000, outageMillis * 1_000_000, negotiationMillis * 1_000_000);
  }

  private static ByteBuffer part(byte[] bytes, long sector, int sectors) {
    return ByteBuffer.wrap(bytes, (int) sector * 512, sectors * 512).slice();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void everyOperationDoesWhatItSays(boolean full) throws Exception {
    TestNbdServer server = server(full ? Ways.FULL : Ways.PLAIN);
    NbdDevice device = open(server);
    assertThat(device.sectors()).isEqualTo(SECTORS);
    assertThat(device.limits().discards()).isEqualTo(full);
    ByteBuffer data = random(3000, 1); // larger than a payload may be
    write(device, 17, data);
    assertThat(read(device, 17, 3000)).isEqualTo(data);
    assertThat(read(device, 0, 17)).isEqualTo(ByteBuffer.allocate(17 * 512));
    IoLatch.await(device, done -> Io.writeZeroes(20, 2000, false, done));
    assertThat(read(device, 20, 2000)).isEqualTo(ByteBuffer.allocate(2000 * 512));
    assertThat(read(device, 17, 3)).isEqualTo(data.slice(0, 3 * 512));
    Io status = IoLatch.await(device, done -> Io.blockStatus(20, 4000, done));
    assertThat(status.allocated()).isEqualTo(!full);
    assertThat(status.statusSectors()).isEqualTo(full ? 2000 : 4000);
    if (full) {
      IoLatch.await(device, done -> Io.discard(17, 3, done));
      assertThat(server.durable()).isEqualTo(new byte[SECTORS * 512]);
      flush(device);
      assertThat(server.durable()).isEqualTo(server.current());
      IoLatch.await(device, done -> Io.write(5, data.slice(0, 512), true, done));
      assertThat(part(server.durable(), 5, 1)).isEqualTo(data.slice(0, 512));
    } else {
      assertThatThrownBy(() -> IoLatch.await(device, done -> Io.discard(17, 3, done)))
          .hasMessageContaining("vm1 does not discard");
      flush(device);
    }
    assertThatThrownBy(() -> read(device, SECTORS - 1, 2)).hasMessageContaining("beyond the end");
    close(device);
    assertThatThrownBy(() -> read(device, 0, 1)).hasMessageContaining("vm1 is closed");
  }

  @Test
  void aDurableWriteIsFlushedWhereTheServerHasNoDurableWrites() throws Exception {
    TestNbdServer server = server(new Ways(TestNbdServer.FLUSH, true, 1, 1 << 20));
    NbdDevice device = open(server);
    ByteBuffer data = random(1, 2);
    IoLatch.await(device, done -> Io.write(5, data, true, done));
    assertThat(part(server.durable(), 5, 1)).isEqualTo(data);
    IoLatch.await(device, done -> Io.writeZeroes(5, 1, true, done));
    assertThat(part(server.durable(), 5, 1)).isEqualTo(ByteBuffer.allocate(512));
    close(device);
  }

  @Test
  void refusalsSayWhy() throws Exception {
    TestNbdServer server = server(Ways.FULL);
    NbdExport other = new NbdExport(server.address(), "none");
    assertThatThrownBy(() -> NbdDevice.open("a", other, NbdOptions.DEFAULT, scheduler))
        .isInstanceOf(NbdRefusedException.class)
        .hasMessage("the NBD server has no export 'none': because");
    server.refuse(0x80000005);
    assertThatThrownBy(() -> open(server)).hasMessageContaining("encrypted connection");
    server.refuse(0);
    server.serve(new Ways(TestNbdServer.ALL, true, 4096, 1 << 20));
    assertThatThrownBy(() -> open(server)).hasMessageContaining("blocks of 4096 bytes");
    close(open(server, NbdOptions.DEFAULT.withBlockSizes(4096, 4096)));
    server.serve(new Ways(TestNbdServer.ALL | 2, true, 1, 1 << 20));
    assertThatThrownBy(() -> open(server)).hasMessageContaining("for reading only");
    close(open(server, NbdOptions.DEFAULT.withReadOnly(true)));
    server.greet("SSH-2.0-");
    assertThatThrownBy(() -> open(server)).hasMessage("what listens there is no NBD server");
    server.greet("NBDMAGIC");
    server.beMute(true);
    assertThatThrownBy(() -> open(server, times(1000, 1000, 200)))
        .hasMessage("the NBD server does not answer");
    int port;
    try (ServerSocket nobody = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = nobody.getLocalPort();
    }
    NbdExport absent =
        new NbdExport(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), "disk");
    assertThatThrownBy(() -> NbdDevice.open("a", absent, NbdOptions.DEFAULT, scheduler))
        .hasMessageContaining("Connection refused");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void errorsOfTheServerHaveTheirKind(boolean structured) throws Exception {
    TestNbdServer server = server(new Ways(TestNbdServer.ALL, structured, 1, 1 << 20));
    NbdDevice device = open(server);
    Map<Integer, IoError.Kind> kinds =
        Map.of(
            1, IoError.Kind.READ_ONLY,
            5, IoError.Kind.IO,
            28, IoError.Kind.NO_SPACE,
            95, IoError.Kind.NOT_SUPPORTED,
            4711, IoError.Kind.IO);
    for (var each : kinds.entrySet()) {
      server.fail(WRITE, each.getKey());
      CompletableFuture<@Nullable IoError> end = new CompletableFuture<>();
      device.submit(Io.write(0, random(1, 3), false, (io, error) -> end.complete(error)));
      assertThat(Objects.requireNonNull(end.get(30, TimeUnit.SECONDS)).kind())
          .isEqualTo(each.getValue());
    }
    server.fail(WRITE, 0);
    server.fail(READ, 5);
    assertThatThrownBy(() -> read(device, 0, 1)).hasMessageContaining("input/output error");
    server.fail(READ, 0);
    assertThat(read(device, 0, 1)).isEqualTo(ByteBuffer.allocate(512));
    assertThat(device.failure()).isNull();
    close(device);
  }

  @Test
  void aFailedFlushMakesTheDeviceReadOnly() throws Exception {
    TestNbdServer server = server(Ways.FULL);
    NbdDevice device = open(server);
    ByteBuffer data = random(1, 4);
    write(device, 0, data);
    server.fail(FLUSH, 5);
    assertThatThrownBy(() -> flush(device)).hasMessageContaining("input/output error");
    server.fail(FLUSH, 0);
    assertThatThrownBy(() -> flush(device)).hasMessageContaining("a flush failed");
    assertThatThrownBy(() -> write(device, 0, data)).hasMessageContaining("read-only since");
    assertThat(device.failure()).contains("a flush failed");
    assertThat(device.limits().readOnly()).isTrue();
    assertThat(read(device, 0, 1)).isEqualTo(data);
    assertThatThrownBy(() -> close(device)).isInstanceOf(ExecutionException.class);
  }

  @Test
  void whatWasAcknowledgedSurvivesAServerThatDies() throws Exception {
    TestNbdServer server = server(Ways.FULL);
    NbdDevice device = open(server);
    ByteBuffer data = random(10, 5);
    write(device, 3, data);
    write(device, 5, data.slice(0, 512));
    IoLatch.await(device, done -> Io.writeZeroes(6, 1, false, done));
    byte[] before = server.current();
    server.crash();
    assertThat(server.current()).isNotEqualTo(before);
    read(device, 100, 1);
    assertThat(server.current()).isEqualTo(before);
    flush(device);
    server.crash();
    read(device, 100, 1);
    assertThat(device.counts().counters(NbdCounter.class).get(NbdCounter.REPEATED_WRITES))
        .isEqualTo(3);
    assertThat(device.interruption()).isNull();
    close(device);
  }

  @Test
  void requestsFailAfterAnOutageAndGoOnWhenTheServerIsBack() throws Exception {
    TestNbdServer server = server(Ways.FULL);
    NbdDevice device = open(server, times(60_000, 300, 1000));
    ByteBuffer data = random(1, 6);
    write(device, 7, data);
    server.accept(false);
    server.crash();
    long begin = System.nanoTime();
    assertThatThrownBy(() -> read(device, 0, 1)).hasMessageContaining("vm1: ");
    assertThat(System.nanoTime() - begin).isGreaterThan(200_000_000L);
    assertThat(device.interruption()).contains("no connection for").contains("requests fail");
    assertThatThrownBy(() -> flush(device)).hasMessageContaining("vm1: ");
    server.accept(true);
    Await.until("it is connected", () -> device.interruption() == null);
    assertThat(read(device, 7, 1)).isEqualTo(data);
    assertThat(device.failure()).isNull();
    flush(device);
    assertThat(part(server.durable(), 7, 1)).isEqualTo(data);
    close(device);
  }

  @Test
  void aSilentServerIsGivenUp() throws Exception {
    TestNbdServer server = server(Ways.FULL);
    NbdDevice device = open(server, times(200, 10_000, 10_000));
    server.beMute(true);
    CompletableFuture<@Nullable IoError> end = new CompletableFuture<>();
    ByteBuffer into = ByteBuffer.allocateDirect(512);
    device.submit(Io.read(0, into, (io, error) -> end.complete(error)));
    Await.until("it gives up", () -> device.interruption() != null);
    assertThat(device.interruption()).contains("1 request waits");
    server.beMute(false);
    server.disconnect();
    assertThat(end.get(30, TimeUnit.SECONDS)).isNull();
    close(device);
  }

  @Test
  void anExportThatHasShrunkIsNotUsed() throws Exception {
    TestNbdServer server = server(Ways.FULL);
    NbdDevice device = open(server, times(60_000, 300, 1000));
    server.resize(SECTORS * 256);
    server.disconnect();
    assertThatThrownBy(() -> read(device, 0, 1)).hasMessageContaining("has shrunk");
    server.resize(SECTORS * 512);
    Await.until("it is connected", () -> device.interruption() == null);
    read(device, 0, 1);
    close(device);
  }

  /** More is written without a flush than is kept. */
  @Test
  void moreThanIsKeptIsFlushedByItself() throws Exception {
    TestNbdServer server = server(Ways.FULL);
    NbdDevice device = open(server);
    ByteBuffer data = random(2048, 8);
    int count = 3 * UnflushedWrites.MAX_BYTES / data.capacity();
    Semaphore ended = new Semaphore(0);
    for (int i = 0; i < count; i++) {
      device.submit(
          Io.write(
              i % 2 * 2048L, data, false, (io, error) -> ended.release(error == null ? 1 : 0)));
    }
    assertThat(ended.tryAcquire(count, 60, TimeUnit.SECONDS)).isTrue();
    assertThat(device.counts().counters(IoCounter.class).get(IoCounter.FLUSHES)).isZero();
    assertThat(server.durable()).isNotEqualTo(new byte[SECTORS * 512]);
    server.crash();
    assertThat(read(device, 0, 2048)).isEqualTo(data);
    close(device);
  }

  static LongStream seeds() {
    long from = Long.getLong("sim.fresh.from", 1000);
    return LongStream.concat(
        LongStream.rangeClosed(1, 8), LongStream.range(from, from + Long.getLong("nbd.fresh", 0)));
  }

  /**
   * Random requests, several at a time, on a server that dies and drops connections. More seeds
   * with {@code -Dnbd.fresh=COUNT -Dsim.fresh.from=FIRST}.
   */
  @ParameterizedTest
  @MethodSource("seeds")
  void whateverHappensToTheServerTheDiskIsAsItWasWritten(long seed) throws Exception {
    Random random = new Random(seed);
    TestNbdServer server =
        server(
            new Ways(
                TestNbdServer.ALL & ~(seed % 2 == 0 ? TestNbdServer.FUA : 0),
                seed % 3 != 0,
                1,
                1 << 16));
    NbdDevice device = open(server);
    byte[] model = new byte[SECTORS * 512];
    for (int round = 0; round < 60; round++) {
      List<Expected> expected = new ArrayList<>();
      List<CompletableFuture<@Nullable IoError>> ends = new ArrayList<>();
      for (int sector = random.nextInt(50);
          sector < SECTORS - 200;
          sector += 20 + random.nextInt(400)) {
        int count = 1 + random.nextInt(20);
        CompletableFuture<@Nullable IoError> end = new CompletableFuture<>();
        ends.add(end);
        submit(device, random, sector, count, model, expected, end);
      }
      switch (random.nextInt(6)) {
        case 0 -> server.crash();
        case 1 -> server.dropAfter(1 + random.nextInt(20));
        case 2 -> server.disconnect();
        default -> {}
      }
      for (CompletableFuture<@Nullable IoError> end : ends) {
        assertThat(end.get(60, TimeUnit.SECONDS)).isNull();
      }
      ends.clear();
      expected.forEach(each -> assertThat(each.got()).isEqualTo(each.wanted()));
    }
    assertThat(read(device, 0, SECTORS)).isEqualTo(ByteBuffer.wrap(model));
    flush(device);
    assertThat(server.durable()).isEqualTo(model);
    assertThat(server.connections()).isGreaterThan(5);
    close(device);
  }

  private record Expected(ByteBuffer got, ByteBuffer wanted) {}

  private static void submit(
      NbdDevice device,
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
      case 4 -> {
        Arrays.fill(model, sector * 512, (sector + count) * 512, (byte) 0);
        device.submit(Io.writeZeroes(sector, count, fua, (io, error) -> end.complete(error)));
      }
      case 5 -> device.submit(Io.flush((io, error) -> end.complete(error)));
      default -> {
        ByteBuffer into = ByteBuffer.allocateDirect(count * 512);
        byte[] now = Arrays.copyOfRange(model, sector * 512, (sector + count) * 512);
        expected.add(new Expected(into, ByteBuffer.wrap(now)));
        device.submit(Io.read(sector, into, (io, error) -> end.complete(error)));
      }
    }
  }
}
