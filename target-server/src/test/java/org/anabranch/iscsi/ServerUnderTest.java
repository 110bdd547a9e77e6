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
import org.anabranch.block.testing.TestDevice;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.RawConnection;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.initiator.workload.VerifiedWorkload;
import org.anabranch.initiator.workload.WorkloadOptions;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.iscsi.login.Portal;
import org.anabranch.iscsi.login.TargetNode;
import org.anabranch.iscsi.server.IscsiServer;
import org.anabranch.naming.AccessList;
import org.anabranch.scsi.api.TargetPort;
import org.anabranch.scsi.api.TaskRouter;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.UnitIdentity;
import org.anabranch.scsi.device.TargetDevice;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.scsi.unit.UnitProperties;

/**
 * A server on a free port of the loopback address, with one target of some disks in memory, an
 * initiator, and an eye on the log. Closing it fails if the log has errors or stack traces.
 */
public final class ServerUnderTest implements AutoCloseable {
  public static final String TARGET = "iqn.2026-11.org.anabranch:test";
  public static final int SECTORS = 8192;

  private final LogWatch log = new LogWatch();
  private final ManualTimers scheduler = new ManualTimers("test-scheduler");
  private final List<TestDevice> disks = new ArrayList<>();
  private final List<LogicalUnit> units = new ArrayList<>();
  private final TargetDevice device;
  private final IscsiServer server;
  private final Initiator initiator = new Initiator();

  /** With disks of {@value #SECTORS} sectors at LUN 0 and on. */
  public ServerUnderTest(int luns, IscsiLimits limits) throws IOException {
    this(luns, limits, router -> router);
  }

  /** Something of the test's stands between iSCSI and the disks. */
  public ServerUnderTest(int luns, IscsiLimits limits, UnaryOperator<TaskRouter> between)
      throws IOException {
    device = new TargetDevice(List.of(new TargetPort(TARGET, 1, 1)), scheduler);
    for (int lun = 0; lun < luns; lun++) {
      TestDevice disk = new TestDevice(SECTORS);
      disks.add(disk);
      UnitProperties properties = UnitProperties.disk(UnitIdentity.of(TARGET, "disk" + lun));
      LogicalUnit unit = DiskUnit.of(disk, properties, scheduler);
      units.add(unit);
      device.attach(lun, unit, name -> true);
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

  public ServerUnderTest(int luns) throws IOException {
    this(luns, IscsiLimits.DEFAULTS);
  }

  public IscsiServer server() {
    return server;
  }

  public TargetDevice device() {
    return device;
  }

  /** The time is over that an abort gives the disks. */
  public void patienceEnds() throws InterruptedException {
    scheduler.expire();
  }

  public LogicalUnit unit(int lun) {
    return units.get(lun);
  }

  public TestDevice disk(int lun) {
    return disks.get(lun);
  }

  public LogWatch log() {
    return log;
  }

  public Initiator initiator() {
    return initiator;
  }

  public InetSocketAddress portal() {
    return server.portals().getFirst().address();
  }

  public static SessionOptions options() {
    return SessionOptions.normal(TARGET);
  }

  public static <T> T await(CompletableFuture<T> future) throws IOException, InterruptedException {
    return Initiator.await(future, 60);
  }

  public org.anabranch.initiator.Session login(SessionOptions options)
      throws IOException, InterruptedException {
    return await(initiator.login(portal(), options));
  }

  public Disk open(int lun) throws IOException, InterruptedException {
    return await(Disk.open(login(options()), lun));
  }

  public RawConnection connect() throws IOException, InterruptedException {
    return await(initiator.connect(portal()));
  }

  /** A session that works and verifies until it is asked how that went. */
  public Bystander bystander(int lun) throws IOException, InterruptedException {
    return new Bystander(open(lun));
  }

  /** Does verified random I/O beside whatever else happens. */
  public static final class Bystander {
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

    public Disk disk() {
      return disk;
    }

    /** Fails now if it has failed already. */
    public void assertUnharmed() throws Exception {
      if (result.isDone()) {
        result.get();
        throw new AssertionError("the bystander stopped by itself");
      }
    }

    /** Ends it, and fails if anything it did went wrong. */
    public void finish() throws Exception {
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
