// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.RawConnection;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.workload.VerifiedWorkload;
import org.anabranch.initiator.workload.WorkloadOptions;
import org.anabranch.naming.AccessList;
import org.anabranch.scsi.LogicalUnit;
import org.anabranch.scsi.TargetDevice;
import org.anabranch.scsi.TargetPort;
import org.anabranch.scsi.TaskRouter;
import org.anabranch.scsi.UnitIdentity;
import org.anabranch.scsi.UnitProperties;

/**
 * A server on a free port of the loopback address, with one target of some disks in memory, an
 * initiator, and an eye on the log. Closing it fails if the log has errors or stack traces.
 */
final class ServerUnderTest implements AutoCloseable {
  static final String TARGET = "iqn.2026-11.org.anabranch:test";
  static final int SECTORS = 8192;

  private final LogWatch log = new LogWatch();
  private final ThreadScheduler scheduler = new ThreadScheduler("test-scheduler");
  private final List<MemoryDisk> disks = new ArrayList<>();
  private final TargetDevice device;
  private final IscsiServer server;
  private final Initiator initiator = new Initiator();

  /** With disks of {@value #SECTORS} sectors at LUN 0 and on. */
  ServerUnderTest(int luns, IscsiLimits limits) throws IOException {
    this(luns, limits, router -> router);
  }

  /** Something of the test's stands between iSCSI and the disks. */
  ServerUnderTest(int luns, IscsiLimits limits, UnaryOperator<TaskRouter> between)
      throws IOException {
    device = new TargetDevice(List.of(new TargetPort(TARGET, 1, 1)), scheduler);
    for (int lun = 0; lun < luns; lun++) {
      MemoryDisk disk = new MemoryDisk(SECTORS);
      disks.add(disk);
      UnitProperties properties = UnitProperties.disk(UnitIdentity.of(TARGET, "disk" + lun));
      device.attach(lun, new LogicalUnit(disk, properties, scheduler), name -> true);
    }
    server =
        IscsiServer.start(
            limits,
            List.of(
                new TargetNode(
                    TARGET,
                    null,
                    between.apply(device),
                    AccessList.EVERYBODY,
                    List.of(),
                    Set.of())),
            List.of(new Portal(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1)));
  }

  ServerUnderTest(int luns) throws IOException {
    this(luns, IscsiLimits.DEFAULTS);
  }

  IscsiServer server() {
    return server;
  }

  TargetDevice device() {
    return device;
  }

  MemoryDisk disk(int lun) {
    return disks.get(lun);
  }

  LogWatch log() {
    return log;
  }

  Initiator initiator() {
    return initiator;
  }

  InetSocketAddress portal() {
    return server.portals().getFirst().address();
  }

  static SessionOptions options() {
    return SessionOptions.normal(TARGET);
  }

  static <T> T await(CompletableFuture<T> future) throws IOException, InterruptedException {
    return Initiator.await(future, 60);
  }

  org.anabranch.initiator.Session login(SessionOptions options)
      throws IOException, InterruptedException {
    return await(initiator.login(portal(), options));
  }

  Disk open(int lun) throws IOException, InterruptedException {
    return await(Disk.open(login(options()), lun));
  }

  RawConnection connect() throws IOException, InterruptedException {
    return await(initiator.connect(portal()));
  }

  /** A session that works and verifies until it is asked how that went. */
  Bystander bystander(int lun) throws IOException, InterruptedException {
    return new Bystander(open(lun));
  }

  /** Does verified random I/O beside whatever else happens. */
  static final class Bystander {
    private final Disk disk;
    private final VerifiedWorkload workload;
    private final CompletableFuture<VerifiedWorkload.Report> result;

    private Bystander(Disk disk) {
      this.disk = disk;
      this.workload =
          VerifiedWorkload.on(
              disk,
              WorkloadOptions.mixed(5, SECTORS, Long.MAX_VALUE)
                  .queueDepth(2)
                  .sizes(512, 64 << 10)
                  .duration(java.time.Duration.ofMinutes(9)));
      this.result = workload.start();
    }

    Disk disk() {
      return disk;
    }

    /** Fails now if it has failed already. */
    void assertUnharmed() throws Exception {
      if (result.isDone()) {
        result.get();
        throw new AssertionError("the bystander stopped by itself");
      }
    }

    /** Ends it, and fails if anything it did went wrong. */
    void finish() throws Exception {
      workload.stop();
      VerifiedWorkload.Report report = result.get(60, TimeUnit.SECONDS);
      if (report.operations() == 0) {
        throw new AssertionError("the bystander did nothing");
      }
      await(disk.session().logout());
    }
  }

  @Override
  public void close() {
    initiator.close();
    server.close();
    scheduler.close();
    log.close();
    log.assertClean();
  }
}
