// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.IoLatch;
import org.anabranch.block.testing.Await;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a file device does when its file fails, stalls, or does half of what it was asked. */
final class FileFaultsTest {
  private final FaultyFile file = new FaultyFile();
  private FileDevice device = device(FileOptions.DEFAULT);
  private final LoopOfTest loop = new LoopOfTest();

  /** The device, its requests submitted on a loop. */
  private BlockDevice submitted() {
    return loop.in(device);
  }

  private FileDevice device(FileOptions options) {
    try {
      return new FileDevice("faulty", options, file, new Object(), 64, FileThreads.named("faulty"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @AfterEach
  void close() throws InterruptedException {
    file.permits = null;
    CountDownLatch closed = new CountDownLatch(1);
    device.close().whenComplete((done, failure) -> closed.countDown());
    assertThat(closed.await(30, TimeUnit.SECONDS)).isTrue();
    loop.close();
  }

  private static FileError error(IoError.Kind kind) {
    return new FileError(kind, "on purpose");
  }

  /** Waits for the end of a request that must fail; how it failed. */
  private @Nullable IoError failure(IoLatch.Request request) throws InterruptedException {
    CountDownLatch ended = new CountDownLatch(1);
    @Nullable IoError[] failure = new @Nullable IoError[1];
    submitted()
        .submit(
            request.make((io, error) -> {
              failure[0] = error;
              ended.countDown();
            }));
    assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
    return failure[0];
  }

  private IoError.@Nullable Kind kind(IoLatch.Request request) throws InterruptedException {
    IoError failure = failure(request);
    return failure == null ? null : failure.kind();
  }

  /** The message of a request's error; empty if it did not fail. */
  private String message(IoLatch.Request request) throws InterruptedException {
    IoError failure = failure(request);
    return failure == null ? "" : failure.message();
  }

  private static IoLatch.Request write(boolean fua) {
    return done -> Io.write(8, ByteBuffer.allocateDirect(4096), fua, done);
  }

  @Test
  void goesOnAfterShortReadsAndWrites() throws Exception {
    ByteBuffer data = FileDeviceContract.random(8, 1);
    ByteBuffer back = ByteBuffer.allocateDirect(4096);
    file.most = 700;

    IoLatch.await(device, done -> Io.write(8, data, false, done));
    IoLatch.await(device, done -> Io.read(8, back, done));
    assertThat(back).isEqualTo(data);

    back.clear().put(0, new byte[4096]);
    file.now = 1000;
    IoLatch.await(device, done -> Io.read(8, back, done));
    assertThat(back).isEqualTo(data);

    file.writtenNow = 1000;
    ByteBuffer other = FileDeviceContract.random(8, 2);
    Await.until(
        "the loop makes a write",
        () -> {
          IoLatch.await(submitted(), done -> Io.write(8, other, false, done));
          return loop.calls.get() > 0;
        });
    IoLatch.await(device, done -> Io.read(8, back, done));
    assertThat(back).isEqualTo(other);
  }

  @Test
  void aWriteThatHangsHoldsUpNoThreadButTheFilesOwn() throws Exception {
    file.writtenNow = 4096; // it is taken for quick
    Semaphore permits = new Semaphore(0);
    file.permits = permits;
    CountDownLatch written = new CountDownLatch(1);
    device.submit(write(false).make((io, error) -> written.countDown())); // returns
    assertThat(file.begun.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
    assertThat(written.getCount()).isEqualTo(1);
    permits.release();
    assertThat(written.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aLoopWithNobodyToRelieveItMakesNoWrites() throws Exception {
    file.writtenNow = 4096;
    loop.relieved = false;
    assertThat(failure(write(false))).isNull();
    assertThat(loop.calls).hasValue(0);
    loop.relieved = true;
    Await.until( // not by the first one if a check of the file's length is due
        "the loop makes a write",
        () -> {
          assertThat(failure(write(false))).isNull();
          return loop.calls.get() > 0;
        });
  }

  @Test
  void durableWritesAreNotMadeInPassing() throws Exception {
    file.writtenNow = 4096;
    file.writeError = error(IoError.Kind.IO);
    // After a pause a thread makes the write, since the file's length is checked first.
    int tries = 0;
    while (failure(done -> Io.write(8, ByteBuffer.allocateDirect(4096), false, done)) != null) {
      assertThat(++tries).as("writes that a thread made").isLessThan(100);
    }
    assertThat(failure(write(true))).isNotNull();
  }

  @Test
  void aFileThatWasCutIsAnError() throws Exception {
    file.end = 9 * 512 + 100;

    IoError failure = failure(done -> Io.read(8, ByteBuffer.allocateDirect(4096), done));

    assertThat(failure).isNotNull();
    assertThat(failure.kind()).isEqualTo(IoError.Kind.IO);
    assertThat(failure.sector()).isEqualTo(9);
    assertThat(failure.message()).contains("the file ends early");
  }

  @Test
  void whatIsMissingIsNoHole() throws Exception {
    file.end = 9 * 512 + 100;
    List<Long> answers = new ArrayList<>();
    assertThat(
            failure(done ->
                Io.blockStatus(
                    0,
                    64,
                    (io, error) -> {
                      answers.add(io.statusSectors());
                      done.completed(io, error);
                    })))
        .isNull();
    assertThat(answers).as("what is there is answered for").containsExactly(9L);
    assertThat(kind(done -> Io.blockStatus(9, 55, done))).isEqualTo(IoError.Kind.IO);
    assertThat(message(done -> Io.blockStatus(9, 55, done))).contains("the file ends early");
    assertThat(device.trouble()).contains("was cut from outside to 4708 of 32768 bytes");
  }

  @Test
  void aWriteBehindACutLeavesNoGapOfZeros() throws Exception {
    assertThat(failure(write(false))).isNull();
    file.end = 9 * 512;
    file.writtenNow = 4096;
    assertThat(message(Io::flush)).contains("was cut from outside");
    assertThat(kind(done -> Io.write(56, ByteBuffer.allocateDirect(4096), false, done)))
        .isEqualTo(IoError.Kind.READ_ONLY);
    assertThat(kind(write(true)))
        .as("durable ones are no better")
        .isEqualTo(IoError.Kind.READ_ONLY);
    file.end = file.bytes.length;
    file.now = 4096;
    assertThat(kind(done -> Io.read(20, ByteBuffer.allocateDirect(512), done)))
        .as("made longer again, it reads as zeros")
        .isEqualTo(IoError.Kind.IO);
    assertThat(failure(done -> Io.read(0, ByteBuffer.allocateDirect(512), done))).isNull();
    assertThat(device.putRight()).as("when somebody says so").isTrue();
    assertThat(failure(done -> Io.read(20, ByteBuffer.allocateDirect(512), done))).isNull();
    assertThat(failure(write(true))).isNull();
    assertThat(device.trouble()).isNull();
  }

  @Test
  void changesLookAtTheFileFirst() throws Exception {
    file.end = 9 * 512;
    for (IoLatch.Request change :
        List.<IoLatch.Request>of(
            done -> Io.write(40, ByteBuffer.allocateDirect(4096), true, done),
            done -> Io.discard(40, 8, done),
            done -> Io.writeZeroes(40, 8, false, done))) {
      IoError error = failure(change);
      assertThat(error).isNotNull();
      assertThat(error.message()).contains("was cut from outside");
    }
  }

  @Test
  void aDeletedFileTakesNoChanges() throws Exception {
    assertThat(failure(done -> Io.flush(done))).isNull();
    file.links = 0;
    assertThat(message(Io::flush)).contains("was deleted from outside");
    assertThat(device.putRight()).isFalse();
    assertThat(kind(write(true))).isEqualTo(IoError.Kind.READ_ONLY);
    assertThat(failure(done -> Io.read(0, ByteBuffer.allocateDirect(512), done))).isNull();
  }

  @Test
  void eachErrorHasItsKind() throws Exception {
    file.readError = error(IoError.Kind.IO);
    assertThat(kind(done -> Io.read(0, ByteBuffer.allocateDirect(512), done)))
        .isEqualTo(IoError.Kind.IO);
    for (IoError.Kind kind :
        List.of(IoError.Kind.NO_SPACE, IoError.Kind.READ_ONLY, IoError.Kind.IO)) {
      file.writeError = error(kind);
      assertThat(kind(write(false))).isEqualTo(kind);
    }
    file.writeError = null;
    assertThat(kind(write(false))).isNull();
    assertThat(device.limits().readOnly()).isFalse();
  }

  @Test
  void theJdksWordsHaveTheirKind() {
    assertThat(FileError.kindOf(new IOException("No space left on device")))
        .isEqualTo(IoError.Kind.NO_SPACE);
    assertThat(FileError.kindOf(new IOException("Read-only file system")))
        .isEqualTo(IoError.Kind.READ_ONLY);
    assertThat(FileError.kindOf(new IOException("Input/output error"))).isEqualTo(IoError.Kind.IO);
    assertThat(FileError.kindOf(Linux.error("write", Linux.EDQUOT)))
        .isEqualTo(IoError.Kind.NO_SPACE);
    assertThat(Linux.error("x.img: write", Linux.ENOSPC))
        .hasMessage("x.img: write: No space left on device");
  }

  @Test
  void afterAFailedSyncNothingIsWrittenAnyMore() throws Exception {
    assertThat(device.failure()).isNull();
    file.syncError = error(IoError.Kind.IO);
    assertThat(kind(Io::flush)).isEqualTo(IoError.Kind.IO);
    file.syncError = null;

    assertThat(kind(Io::flush)).isEqualTo(IoError.Kind.IO);
    assertThat(kind(write(false))).isEqualTo(IoError.Kind.READ_ONLY);
    assertThat(kind(done -> Io.discard(0, 1, done))).isEqualTo(IoError.Kind.READ_ONLY);
    assertThat(kind(done -> Io.writeZeroes(0, 1, false, done))).isEqualTo(IoError.Kind.READ_ONLY);
    assertThat(kind(done -> Io.read(0, ByteBuffer.allocateDirect(512), done))).isNull();

    assertThat(kind(done -> Io.writeZeroes(0, 1, true, done))).isEqualTo(IoError.Kind.READ_ONLY);

    assertThat(device.limits().readOnly()).isTrue();
    assertThat(device.failure()).contains("sync failed", "on purpose");
    assertThat(file.syncs).hasValue(1);
    assertThatThrownBy(() -> device.resize(128).toCompletableFuture().get(30, TimeUnit.SECONDS))
        .hasMessageContaining("read-only since a sync failed");
    assertThatThrownBy(() -> device.close().toCompletableFuture().get(30, TimeUnit.SECONDS))
        .hasMessageContaining("sync failed");
    assertThat(device.failure()).as("of a device that is closed").isNull();
  }

  @Test
  void afterAFailedSyncADurableWriteProvesItself() throws Exception {
    file.syncError = error(IoError.Kind.IO);
    assertThat(kind(Io::flush)).isEqualTo(IoError.Kind.IO);
    ByteBuffer data = FileDeviceContract.random(8, 1);

    IoLatch.await(device, done -> Io.write(8, data, true, done));

    assertThat(ByteBuffer.wrap(file.bytes, 8 * 512, 4096)).isEqualTo(data);
    assertThat(kind(Io::flush)).isEqualTo(IoError.Kind.IO);
    assertThat(kind(write(false))).isEqualTo(IoError.Kind.READ_ONLY);
    file.writeError = error(IoError.Kind.IO);
    assertThat(kind(write(true))).isEqualTo(IoError.Kind.IO);
  }

  @Test
  void aFailedDurableWriteIsAFailedSyncUnlessForLackOfSpace() throws Exception {
    file.writeError = error(IoError.Kind.NO_SPACE);
    assertThat(kind(write(true))).isEqualTo(IoError.Kind.NO_SPACE);
    assertThat(device.limits().readOnly()).isFalse();

    file.writeError = error(IoError.Kind.IO);
    assertThat(kind(write(true))).isEqualTo(IoError.Kind.IO);
    file.writeError = null;

    assertThat(kind(write(false))).isEqualTo(IoError.Kind.READ_ONLY);
    assertThat(kind(Io::flush)).isEqualTo(IoError.Kind.IO);
  }

  @Test
  void flushesThatComeTogetherShareASync() throws Exception {
    Semaphore permits = new Semaphore(0);
    file.permits = permits;
    List<IoLatch> latches = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      IoLatch latch = new IoLatch();
      latches.add(latch);
      device.submit(Io.flush(latch));
      if (i == 0) {
        assertThat(file.begun.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
      }
    }
    assertThat(file.syncs).hasValue(1); // the nine came too late for this one

    permits.release(2);
    for (IoLatch latch : latches) {
      latch.await();
    }

    assertThat(file.syncs).hasValue(2);
  }

  @Test
  void aFailedSyncFailsAllThatShareIt() throws Exception {
    Semaphore permits = new Semaphore(0);
    file.permits = permits;
    IoLatch first = new IoLatch();
    device.submit(Io.flush(first));
    assertThat(file.begun.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
    List<IoLatch> later = List.of(new IoLatch(), new IoLatch());
    later.forEach(latch -> device.submit(Io.flush(latch)));
    file.syncError = error(IoError.Kind.IO);

    permits.release(2);

    first.await();
    for (IoLatch latch : later) {
      assertThatThrownBy(latch::await).hasMessageContaining("sync failed");
    }
  }

  @Test
  void oneRequestTooManyFailsAtOnce() throws Exception {
    device = device(FileOptions.DEFAULT.withPool(1, 3));
    Semaphore permits = new Semaphore(0);
    file.permits = permits;
    List<IoLatch> taken = new ArrayList<>();
    for (int i = 0; i < 4; i++) { // one at work, three in the queue
      IoLatch latch = new IoLatch();
      taken.add(latch);
      device.submit(Io.read(i, ByteBuffer.allocateDirect(512), latch));
      if (i == 0) {
        assertThat(file.begun.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
      }
    }

    IoError read = failure(done -> Io.read(0, ByteBuffer.allocateDirect(512), done));
    IoError flush = failure(Io::flush);

    assertThat(read).isNotNull();
    assertThat(read.kind()).isEqualTo(IoError.Kind.IO);
    assertThat(read.message()).isEqualTo("faulty: 3 requests wait already");
    assertThat(flush).isNotNull();
    permits.release(1000);
    for (IoLatch latch : taken) {
      latch.await();
    }
    assertThat(kind(Io::flush)).isNull(); // and a flush begins anew
  }

  @Test
  void flushesThatWaitAreBounded() throws Exception {
    device = device(FileOptions.DEFAULT.withPool(1, 3));
    Semaphore permits = new Semaphore(0);
    file.permits = permits;
    IoLatch running = new IoLatch();
    device.submit(Io.flush(running));
    assertThat(file.begun.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
    List<IoLatch> waiting = List.of(new IoLatch(), new IoLatch(), new IoLatch());
    waiting.forEach(latch -> device.submit(Io.flush(latch)));

    assertThat(kind(Io::flush)).isEqualTo(IoError.Kind.IO);

    permits.release(1000);
    running.await();
    for (IoLatch latch : waiting) {
      latch.await();
    }
  }

  @Test
  void writesZerosWhereTheFileCant() throws Exception {
    file.allocateError = error(IoError.Kind.NOT_SUPPORTED);
    IoLatch.await(device, done -> Io.write(0, FileDeviceContract.random(64, 1), false, done));

    IoLatch.await(device, done -> Io.writeZeroes(1, 50, false, done));
    IoLatch.await(device, done -> Io.writeZeroes(51, 13, true, done));

    assertThat(file.zeroRanges).hasValue(1);
    assertThat(file.syncs).hasValue(1);
    for (int i = 512; i < file.bytes.length; i++) {
      assertThat(file.bytes[i]).isZero();
    }
    assertThat(device.limits().discards()).isTrue();
    assertThat(kind(done -> Io.discard(0, 8, done))).isEqualTo(IoError.Kind.NOT_SUPPORTED);
    assertThat(device.limits().discards()).isFalse();
  }
}
