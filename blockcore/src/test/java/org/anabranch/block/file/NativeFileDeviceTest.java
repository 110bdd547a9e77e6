// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.IoLatch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A file by Linux's calls: what only they can do. */
final class NativeFileDeviceTest extends FileDeviceContract {
  @BeforeAll
  static void onLinux() {
    assumeThat(Linux.isHere()).as("64-bit Linux on x86 or ARM").isTrue();
  }

  @Override
  String useNative() {
    return "true";
  }

  private static String status(FileDevice device, long sector, long sectors) throws IOException {
    Io io = IoLatch.await(device, done -> Io.blockStatus(sector, sectors, done));
    return (io.allocated() ? "data " : "hole ") + io.statusSectors();
  }

  @Test
  void makesTheFileSparseAndTellsItsHoles() throws Exception {
    FileDevice device = create(1024);

    assertThat(status(device, 0, 1024)).isEqualTo("hole 1024");
    write(device, 64, random(16, 1));
    write(device, 1016, random(8, 2));

    assertThat(status(device, 0, 1024)).isEqualTo("hole 64");
    assertThat(status(device, 63, 100)).isEqualTo("hole 1");
    assertThat(status(device, 64, 100)).isEqualTo("data 16");
    assertThat(status(device, 79, 100)).isEqualTo("data 1");
    assertThat(status(device, 80, 100)).isEqualTo("hole 100");
    assertThat(status(device, 80, 944)).isEqualTo("hole 936");
    assertThat(status(device, 1016, 8)).isEqualTo("data 8");
    assertThat(status(device, 1023, 1)).isEqualTo("data 1");
  }

  @Test
  void tellsTheEndOfAFileThatEndsInAHole() throws Exception {
    FileDevice device = create(1001);
    write(device, 0, random(8, 1));

    assertThat(status(device, 8, 993)).isEqualTo("hole 993");
    assertThat(status(device, 1000, 1)).isEqualTo("hole 1");
    write(device, 1000, random(1, 2));
    assertThat(status(device, 1000, 1)).isEqualTo("data 1");
  }

  @Test
  void discardPunchesAHole() throws Exception {
    FileDevice device = create(1024);
    ByteBuffer data = random(1024, 1);
    write(device, 0, data);
    IoLatch.await(device, Io::flush);

    IoLatch.await(device, done -> Io.discard(64, 128, done));
    IoLatch.await(device, done -> Io.discard(301, 2, done));

    assertThat(device.limits().discards()).isTrue();
    assertThat(status(device, 0, 1024)).isEqualTo("data 64");
    assertThat(status(device, 64, 960)).isEqualTo("hole 128");
    assertThat(read(device, 64, 128)).isEqualTo(ByteBuffer.allocate(128 * 512));
    assertThat(read(device, 301, 2)).isEqualTo(ByteBuffer.allocate(1024));
    assertThat(read(device, 303, 9)).isEqualTo(data.slice(303 * 512, 9 * 512));
    assertThat(Files.size(folder.resolve("disk"))).isEqualTo(1024 * 512);
  }

  @Test
  void keepsItsLockWhenThisProcessClosesTheFileElsewhere() throws Exception {
    create(64);

    Files.readAllBytes(folder.resolve("disk"));

    assertThat(LockingProcess.canLock(folder.resolve("disk"))).isFalse();
  }

  @Test
  void aCachedReadEndsInsideSubmit() throws Exception {
    FileDevice device = create(64);
    ByteBuffer data = random(8, 1);
    write(device, 0, data);
    ByteBuffer back = ByteBuffer.allocateDirect(8 * 512);
    assumeThat(device.file().readNow(back, 0))
        .as("this file system reads without waiting")
        .isEqualTo(8 * 512);
    List<Thread> where = new ArrayList<>();

    device.submit(Io.read(0, back, (io, error) -> where.add(Thread.currentThread())));

    assertThat(where).containsExactly(Thread.currentThread());
    assertThat(back).isEqualTo(data);
  }

  @Test
  void readsWhereTheFileSystemAlwaysWaits() throws Exception {
    Path memory = Path.of("/dev/shm");
    assumeThat(Files.isWritable(memory)).as("a tmpfs at /dev/shm").isTrue();
    Path path = Files.createTempFile(memory, "anabranch", ".img");
    try {
      FileDevice device = open(path, FileOptions.DEFAULT.withSectors(64));
      ByteBuffer data = random(8, 1);
      write(device, 5, data);

      assertThat(read(device, 5, 8)).isEqualTo(data);
      close(device);
    } finally {
      Files.delete(path);
    }
  }
}
