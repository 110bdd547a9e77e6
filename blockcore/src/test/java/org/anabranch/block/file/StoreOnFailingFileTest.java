// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.IoLatch;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.targets.TargetTypes;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of a snapshot whose store is a file that could not be made durable. */
final class StoreOnFailingFileTest {
  private final ThreadScheduler scheduler = new ThreadScheduler("test");
  private final DeviceMapper mapper =
      new DeviceMapper(scheduler, new FileOpener(), TargetTypes.standard());
  private final FaultyFile file = new FaultyFile();

  @AfterEach
  void end() {
    scheduler.close();
  }

  private static <T> T await(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  private BlockDevice snapshotOn(String cow) throws Exception {
    mapper.addVolume(
        cow,
        new FileDevice(cow, FileOptions.DEFAULT, file, new Object(), 64, FileThreads.named(cow)));
    return await(mapper.create("s", "0 512 snapshot origin " + cow + " P 8"));
  }

  @Test
  void staysInvalidAfterARestart() throws Exception {
    mapper.addVolume("origin", new TestDevice("origin", 512).pattern('O'));
    snapshotOn("cow");
    BlockDevice o = await(mapper.create("o", "0 512 snapshot-origin origin"));
    IoLatch.await(o, done -> Io.write(0, ByteBuffer.allocateDirect(4096), false, done));
    assertThat(mapper.status("s")).isEqualTo("0 512 snapshot 24/64 16");

    file.syncError = new FileError(IoError.Kind.IO, "on purpose");
    IoLatch.await(o, done -> Io.write(80, ByteBuffer.allocateDirect(4096), false, done));
    assertThat(mapper.status("s")).isEqualTo("0 512 snapshot Invalid");

    await(mapper.remove("s"));
    file.syncError = null;
    snapshotOn("cow2");
    assertThat(mapper.status("s")).isEqualTo("0 512 snapshot Invalid");
  }
}
