// SPDX-License-Identifier: Apache-2.0
package org.anabranch.jscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.anabranch.block.Io;
import org.anabranch.block.IoLatch;
import org.anabranch.block.file.FileDevice;
import org.anabranch.block.file.FileOptions;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.IscsiException;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.workload.VerifiedWorkload;
import org.anabranch.initiator.workload.WorkloadOptions;
import org.jscsi.target.Configuration;
import org.jscsi.target.Target;
import org.jscsi.target.TargetServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A device of ours behind a stock jSCSI server, used by our initiator. */
final class JscsiStorageModuleTest {
  private static final String TARGET = "iqn.2026-11.org.anabranch:jscsi";
  private static final int SECTORS = 8192;

  /** jSCSI reads its settings from a file, or from a class like this. */
  private static final class Settings extends Configuration {
    Settings(int freePort, JscsiStorageModule module) throws IOException {
      super("127.0.0.1");
      port = freePort;
      allowSloppyNegotiation = true;
      targets.add(new Target(TARGET, "", module));
    }
  }

  @TempDir Path directory;
  private FileDevice device;
  private JscsiStorageModule module;

  @BeforeEach
  void open() throws Exception {
    device =
        FileDevice.open(
            "disk", directory.resolve("disk.img"), FileOptions.DEFAULT.withSectors(SECTORS));
    module = new JscsiStorageModule(device);
  }

  @AfterEach
  void close() throws Exception {
    device.close().toCompletableFuture().get();
  }

  @Test
  void anyBytesCanBeReadAndWritten() throws Exception {
    byte[] model = new byte[SECTORS * 512];
    Random random = new Random(1);
    for (int i = 0; i < 500; i++) {
      byte[] data = new byte[random.nextInt(5000)];
      int at = random.nextInt(model.length - data.length);
      if (random.nextBoolean()) {
        random.nextBytes(data);
        module.write(data, at);
        System.arraycopy(data, 0, model, at, data.length);
      } else {
        module.read(data, at);
        assertThat(data).isEqualTo(java.util.Arrays.copyOfRange(model, at, at + data.length));
      }
    }
    module.close();
    ByteBuffer whole = ByteBuffer.allocateDirect(model.length);
    IoLatch.await(device, done -> Io.read(0, whole, done));
    assertThat(whole).isEqualTo(ByteBuffer.wrap(model));
  }

  @Test
  void boundsAreTheDevices() {
    assertThat(module.checkBounds(0, SECTORS)).isZero();
    assertThat(module.checkBounds(SECTORS - 1, 1)).isZero();
    assertThat(module.checkBounds(SECTORS, 0)).isEqualTo(1);
    assertThat(module.checkBounds(-1, 1)).isEqualTo(1);
    assertThat(module.checkBounds(1, SECTORS)).isEqualTo(2);
    assertThat(module.checkBounds(1, -1)).isEqualTo(2);
    assertThatThrownBy(() -> module.read(new byte[512], SECTORS * 512L))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("beyond the end");
  }

  @Test
  void aStockServerExportsTheDevice() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Callable<Void> server = new TargetServer(new Settings(port, module));
    FutureTask<Void> running = new FutureTask<>(server);
    Thread thread = Thread.ofPlatform().daemon().name("jscsi").start(running);
    try (Initiator initiator = new Initiator()) {
      InetSocketAddress portal = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
      Session session = connect(initiator, portal, running);
      Disk disk = Initiator.await(Disk.open(session, 0), 20);
      assertThat(disk.blocks()).as("READ CAPACITY is not off by one").isEqualTo(SECTORS);
      // jSCSI runs one command at a time, takes unsolicited data badly, and knows no FUA or flush.
      VerifiedWorkload.Report report =
          VerifiedWorkload.on(
                  disk,
                  WorkloadOptions.mixed(1, SECTORS, 200)
                      .queueDepth(1)
                      .sizes(512, 64 << 10)
                      .mix(50, 0, 0, 0))
              .run();
      assertThat(report.writes()).isPositive();
      ByteBuffer last = ByteBuffer.allocate(512);
      Initiator.await(disk.write(SECTORS - 1, last), 20);
      Initiator.await(session.logout(), 20);
    } finally {
      thread.interrupt();
    }
  }

  private static Session connect(
      Initiator initiator, InetSocketAddress portal, FutureTask<Void> server) throws Exception {
    SessionOptions options =
        SessionOptions.normal(TARGET)
            .expDataSnUnchecked()
            .key("InitialR2T", "Yes")
            .key("MaxOutstandingR2T", "1")
            .key("MaxRecvDataSegmentLength", "8192")
            .key("FirstBurstLength", "65536")
            .key("MaxBurstLength", "262144");
    while (true) {
      try {
        return Initiator.await(initiator.login(portal, options), 20);
      } catch (IscsiException e) {
        if (server.isDone() || !String.valueOf(e.getMessage()).contains("can't connect")) {
          throw e;
        }
      }
      try {
        server.get(20, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        // It runs, and may listen by now.
      }
    }
  }
}
