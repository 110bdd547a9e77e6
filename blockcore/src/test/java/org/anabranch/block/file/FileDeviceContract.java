// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoError;
import org.anabranch.block.IoLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What holds for every file, by native calls and without. */
abstract class FileDeviceContract {
  @TempDir Path folder;

  private final List<FileDevice> opened = new ArrayList<>();
  private @Nullable String before;

  /** The value of {@link FileOpening#NATIVE}. */
  abstract String useNative();

  @BeforeEach
  void choose() {
    before = System.setProperty(FileOpening.NATIVE, useNative());
  }

  @AfterEach
  void closeAll() throws Exception {
    if (before == null) {
      System.clearProperty(FileOpening.NATIVE);
    } else {
      System.setProperty(FileOpening.NATIVE, before);
    }
    for (FileDevice device : opened) {
      close(device);
    }
  }

  final FileDevice open(Path path, FileOptions options) throws IOException {
    FileDevice device = FileDevice.open(path.toString(), path, options);
    opened.add(device);
    return device;
  }

  final FileDevice create(long sectors) throws IOException {
    return open(folder.resolve("disk"), FileOptions.DEFAULT.withSectors(sectors));
  }

  static ByteBuffer random(int sectors, long seed) {
    byte[] bytes = new byte[sectors * 512];
    new Random(seed).nextBytes(bytes);
    return ByteBuffer.allocateDirect(bytes.length).put(0, bytes);
  }

  static ByteBuffer read(FileDevice device, long sector, int sectors) throws IOException {
    ByteBuffer data = ByteBuffer.allocateDirect(sectors * 512);
    IoLatch.await(device, done -> Io.read(sector, data, done));
    return data;
  }

  static void write(FileDevice device, long sector, ByteBuffer data) throws IOException {
    IoLatch.await(device, done -> Io.write(sector, data, false, done));
  }

  static void close(FileDevice device) throws Exception {
    device.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @Test
  void readsBackWhatWasWritten() throws Exception {
    FileDevice device = create(256);
    ByteBuffer data = random(17, 1);
    ByteBuffer heap = ByteBuffer.allocate(300 * 512).position(512).limit(200 * 512);
    heap.put(512, random(199, 2), 0, 199 * 512);

    write(device, 3, data);
    assertThat(read(device, 3, 17)).isEqualTo(data);
    assertThat(read(device, 0, 3)).isEqualTo(ByteBuffer.allocate(3 * 512));
    write(device, 57, heap);
    assertThat(heap.position()).isEqualTo(512);
    ByteBuffer back = ByteBuffer.allocate(199 * 512);
    IoLatch.await(device, done -> Io.read(57, back, done));

    assertThat(back).isEqualTo(heap);
    assertThat(Files.size(folder.resolve("disk"))).isEqualTo(256 * 512);
    close(device);
    assertThat(read(open(folder.resolve("disk"), FileOptions.DEFAULT), 3, 17)).isEqualTo(data);
  }

  /**
   * The first write holds its thread until the others have ended, so these must be done beside it.
   */
  @Test
  void whatFollowsFromAFlushIsDoneByTheSameThread() throws Exception {
    FileDevice device = create(256);
    ByteBuffer record = random(1, 4);
    CompletableFuture<Thread> flushed = new CompletableFuture<>();
    List<CompletableFuture<Thread>> written = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      written.add(new CompletableFuture<>());
    }
    CompletableFuture<?> others = CompletableFuture.allOf(written.get(1), written.get(2));
    device.submit(
        Io.flush((flush, error) -> {
          for (int i = 0; i < 3; i++) {
            CompletableFuture<Thread> end = written.get(i);
            boolean holds = i == 0;
            IoCompletion done =
                (write, failure) -> {
                  if (holds) {
                    others.orTimeout(30, TimeUnit.SECONDS).join();
                  }
                  end.complete(Thread.currentThread());
                };
            device.submit(Io.write(i, record, true, done));
          }
          flushed.complete(Thread.currentThread());
        }));
    Thread first = flushed.get(30, TimeUnit.SECONDS);
    assertThat(written.getFirst().get(30, TimeUnit.SECONDS)).isEqualTo(first);
    for (int i = 1; i < 3; i++) {
      assertThat(written.get(i).get(30, TimeUnit.SECONDS)).as("beside it").isNotEqualTo(first);
    }
    assertThat(read(device, 2, 1)).isEqualTo(record);
  }

  @Test
  void readsAndWritesBetweenPositionAndLimit() throws Exception {
    FileDevice device = create(64);
    ByteBuffer data = random(10, 3).position(512).limit(3 * 512);

    write(device, 5, data);
    ByteBuffer back = ByteBuffer.allocateDirect(10 * 512).position(1024).limit(4 * 512);
    IoLatch.await(device, done -> Io.read(5, back, done));

    assertThat(back).isEqualTo(data);
    assertThat(back.position()).isEqualTo(1024);
    assertThat(read(device, 7, 1)).isEqualTo(ByteBuffer.allocate(512));
  }

  @Test
  void durableWritesAndFlushesEndWell() throws Exception {
    FileDevice device = create(64);
    ByteBuffer data = random(2, 4);

    IoLatch.await(device, done -> Io.write(1, data, true, done));
    IoLatch.await(device, Io::flush);
    IoLatch.await(device, done -> Io.writeZeroes(2, 1, true, done));

    assertThat(read(device, 1, 1)).isEqualTo(data.slice(0, 512));
    assertThat(read(device, 2, 1)).isEqualTo(ByteBuffer.allocate(512));
  }

  @Test
  void writesZeroesAnywhere() throws Exception {
    FileDevice device = create(2048);
    ByteBuffer data = random(2048, 5);
    write(device, 0, data);

    IoLatch.await(device, done -> Io.writeZeroes(3, 1500, false, done));

    ByteBuffer back = read(device, 0, 2048);
    assertThat(back.slice(0, 3 * 512)).isEqualTo(data.slice(0, 3 * 512));
    assertThat(back.slice(3 * 512, 1500 * 512)).isEqualTo(ByteBuffer.allocate(1500 * 512));
    assertThat(back.slice(1503 * 512, 545 * 512)).isEqualTo(data.slice(1503 * 512, 545 * 512));
  }

  @Test
  void refusesWhatLiesBeyondTheEnd() throws Exception {
    FileDevice device = create(64);
    List<@Nullable IoError> ends = new ArrayList<>();

    device.submit(Io.read(63, ByteBuffer.allocateDirect(1024), (io, error) -> ends.add(error)));
    device.submit(Io.discard(64, 1, (io, error) -> ends.add(error)));
    device.submit(Io.discard(64, 0, (io, error) -> ends.add(error)));

    assertThat(ends.subList(0, 2))
        .allSatisfy(error ->
            assertThat(error)
                .isNotNull()
                .extracting(IoError::kind)
                .isEqualTo(IoError.Kind.OUT_OF_RANGE));
    assertThat(ends.get(2)).isNull();
  }

  @Test
  void aReadOnlyFileRefusesChanges() throws Exception {
    close(create(64));
    FileDevice device = open(folder.resolve("disk"), FileOptions.DEFAULT.withReadOnly(true));

    assertThat(device.limits().readOnly()).isTrue();
    assertThatThrownBy(() -> write(device, 0, random(1, 1))).hasMessageContaining("is read-only");
    assertThat(read(device, 0, 64)).isEqualTo(ByteBuffer.allocate(64 * 512));
    IoLatch.await(device, Io::flush);
  }

  @Test
  void growsUnderWay() throws Exception {
    FileDevice device = create(64);

    resize(device, 128);

    assertThat(device.sectors()).isEqualTo(128);
    assertThat(Files.size(folder.resolve("disk"))).isEqualTo(128 * 512);
    write(device, 120, random(8, 1));
    assertThat(read(device, 120, 8)).isEqualTo(random(8, 1));
  }

  private static void resize(FileDevice device, long sectors) throws Exception {
    device.resize(sectors).toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @Test
  void whatItGrowsByReadsAsZerosAlsoWhereTheFileWasLonger() throws Exception {
    close(create(64));
    Path file = folder.resolve("disk");
    byte[] tail = new byte[300];
    Arrays.fill(tail, (byte) 0x77);
    Files.write(file, tail, StandardOpenOption.APPEND);
    FileDevice device = open(file, FileOptions.DEFAULT);
    assertThat(device.sectors()).isEqualTo(64);

    resize(device, 66);

    assertThat(read(device, 64, 2)).isEqualTo(ByteBuffer.allocate(1024));
  }

  @Test
  void whatAShorterFileLostIsNotThereWhenItGrowsAgain() throws Exception {
    FileDevice device = create(64);
    write(device, 56, random(8, 1));

    resize(device, 60);

    assertThat(device.sectors()).isEqualTo(60);
    assertThat(Files.size(folder.resolve("disk"))).isEqualTo(60 * 512);
    assertThatThrownBy(() -> read(device, 60, 1)).hasMessageContaining("60");
    resize(device, 64);
    assertThat(read(device, 60, 4)).isEqualTo(ByteBuffer.allocate(4 * 512));
    assertThatThrownBy(() -> resize(device, 0)).hasMessageContaining("cannot have 0 sectors");
  }

  @Test
  void closeCompletesWhatIsInFlight() throws Exception {
    FileDevice device = create(4096);
    List<IoLatch> writes = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      IoLatch latch = new IoLatch();
      writes.add(latch);
      device.submit(Io.write(i * 64L, random(64, i), false, latch));
    }

    close(device);

    for (IoLatch latch : writes) {
      latch.await();
    }
    assertThatThrownBy(() -> read(device, 0, 1)).hasMessageContaining("is closed");
    assertThat(device.close().toCompletableFuture()).isCompleted();
    try (FileChannel file = FileChannel.open(folder.resolve("disk"), StandardOpenOption.READ)) {
      ByteBuffer last = ByteBuffer.allocate(64 * 512);
      assertThat(file.read(last, 63L * 64 * 512)).isEqualTo(64 * 512);
      assertThat(last.flip()).isEqualTo(random(64, 63));
    }
  }

  @Test
  void anInterruptedSubmitterHarmsNothing() throws Exception {
    FileDevice device = create(64);
    ByteBuffer data = random(8, 1);
    IoLatch written = new IoLatch();
    IoLatch readBack = new IoLatch();
    ByteBuffer back = ByteBuffer.allocateDirect(8 * 512);

    Thread.currentThread().interrupt();
    device.submit(Io.write(0, data, false, written));
    assertThat(Thread.interrupted()).isTrue();
    written.await();
    Thread.currentThread().interrupt();
    device.submit(Io.read(0, back, readBack));
    assertThat(Thread.interrupted()).isTrue();
    readBack.await();

    assertThat(back).isEqualTo(data);
  }

  @Test
  void opensAFileOnce() throws Exception {
    FileDevice device = create(64);
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("disk"));

    assertThatThrownBy(() -> open(link, FileOptions.DEFAULT))
        .hasMessage(link + ": already open here");

    close(device);
    assertThat(open(link, FileOptions.DEFAULT).sectors()).isEqualTo(64);
  }

  @Test
  void refusesAFileThatAnotherProcessHas() throws Exception {
    Path path = folder.resolve("disk");
    close(create(64));
    Process other = LockingProcess.start(path);
    try {
      assertThatThrownBy(() -> open(path, FileOptions.DEFAULT))
          .hasMessage(path + ": in use: another process, such as another server, has locked it");
    } finally {
      other.destroyForcibly().waitFor();
    }
    assertThat(open(path, FileOptions.DEFAULT).sectors()).isEqualTo(64);
  }

  @Test
  void locksOtherProcessesOut() throws Exception {
    Path path = folder.resolve("disk");
    FileDevice device = create(64);

    assertThat(LockingProcess.canLock(path)).isFalse();

    close(device);
    assertThat(LockingProcess.canLock(path)).isTrue();
  }

  @Test
  void refusesInOneLine() throws Exception {
    Path none = folder.resolve("none");
    Path small = Files.write(folder.resolve("small"), new byte[1000]);
    Path tiny = Files.write(folder.resolve("tiny"), new byte[100]);

    assertThatThrownBy(() -> open(none, FileOptions.DEFAULT))
        .isInstanceOf(IOException.class)
        .hasMessage(none + ": No such file or directory");
    assertThatThrownBy(() -> open(none, FileOptions.DEFAULT.withSectors(8).withReadOnly(true)))
        .hasMessage(none + ": No such file or directory");
    assertThatThrownBy(() -> open(folder.resolve("no/disk"), FileOptions.DEFAULT.withSectors(8)))
        .hasMessage(folder.resolve("no/disk") + ": No such file or directory");
    assertThatThrownBy(() -> open(folder, FileOptions.DEFAULT))
        .hasMessage(folder + ": neither a regular file nor a block device");
    assertThatThrownBy(() -> open(Path.of("/dev/null"), FileOptions.DEFAULT))
        .hasMessage("/dev/null: neither a regular file nor a block device");
    assertThatThrownBy(() -> open(small, FileOptions.DEFAULT.withSectors(2)))
        .hasMessage(small + ": has 1000 bytes, less than the 1024 told");
    assertThatThrownBy(() -> open(tiny, FileOptions.DEFAULT))
        .hasMessage(tiny + ": has 100 bytes, less than a sector");
    assertThat(open(small, FileOptions.DEFAULT).sectors()).isOne();
  }
}
