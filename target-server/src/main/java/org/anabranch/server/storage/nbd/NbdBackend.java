// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.nbd;

import java.io.IOException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Scheduler;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.nbd.NbdDevice;
import org.anabranch.block.nbd.NbdExport;
import org.anabranch.block.nbd.NbdOptions;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.source.NbdSource;
import org.anabranch.config.source.VolumeSource;
import org.anabranch.server.storage.VolumeBackend;
import org.anabranch.server.storage.VolumeImage;
import org.anabranch.server.storage.remote.SilentEndpoints;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Images that are exports of NBD servers; an address is a URI as {@link NbdSource} has it.
 *
 * <p>Some servers take one client at a time. So an export that is open here is asked over the
 * connection that there is.
 */
public final class NbdBackend implements VolumeBackend {
  private static final Logger LOG = LoggerFactory.getLogger(NbdBackend.class);

  /** Reads only, and takes blocks of any size. */
  private static final NbdOptions TO_LOOK =
      NbdOptions.DEFAULT.withReadOnly(true).withBlockSizes(65_536, 65_536);

  /** A server that has not answered for so long is not asked again by everybody. */
  private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final ConcurrentHashMap<NbdExport, NbdDevice> open = new ConcurrentHashMap<>();

  private final SilentEndpoints<NbdExport> endpoints = new SilentEndpoints<>(SLOW_NANOS);

  /** Made when the first export is opened; it has a thread. */
  private @Nullable Scheduler scheduler; // guarded by this

  @Override
  public boolean keeps(VolumeSource source) {
    return source instanceof NbdSource;
  }

  @Override
  public boolean owns(String address) {
    return NbdSource.isMeant(address);
  }

  @Override
  public VolumeImage image(VolumeConfig volume) {
    if (volume.source() instanceof NbdSource source) {
      return new NbdImage(this, source, volume);
    }
    throw new IllegalArgumentException(volume.source() + " is no export of an NBD server");
  }

  private static NbdSource parse(String address) throws IOException {
    NbdSource source = NbdSource.parse(address);
    if (source == null) {
      throw new IOException(address + " is not of the form " + NbdSource.FORM);
    }
    return source;
  }

  static NbdExport export(NbdSource source) {
    return new NbdExport(source.server(), source.export());
  }

  @Override
  public Object identity(String address) throws IOException {
    return export(parse(address));
  }

  @Override
  public BackingDevice open(String address) throws IOException {
    return open(address, parse(address), NbdOptions.DEFAULT);
  }

  /**
   * Opens an export.
   *
   * @throws IOException with a message of one line that names it
   */
  NbdDevice open(String name, NbdSource source, NbdOptions options) throws IOException {
    NbdExport export = export(source);
    NbdDevice device = connect(name, source, options);
    open.put(export, device);
    device.whenClosed().whenComplete((nothing, failure) -> open.remove(export, device));
    return device;
  }

  private NbdDevice connect(String name, NbdSource source, NbdOptions options) throws IOException {
    NbdExport export = export(source);
    return endpoints.ask(
        export,
        source.address(),
        () -> {
          try {
            return NbdDevice.open(name, export, options, scheduler());
          } catch (IOException e) {
            throw new IOException(reason(e), e);
          }
        });
  }

  private static String reason(IOException e) {
    String words = String.valueOf(e.getMessage());
    return words.equals("Connection refused") || words.equals("No such file or directory")
        ? "no NBD server listens there (" + words + ")"
        : words;
  }

  private synchronized Scheduler scheduler() {
    if (scheduler == null) {
      scheduler = new ThreadScheduler("nbd timers");
    }
    return scheduler;
  }

  /** The length of an export, bytes. */
  long bytes(NbdSource source) throws IOException {
    NbdDevice device = open.get(export(source));
    if (device != null) {
      return device.sectors() << 9;
    }
    device = connect(source.address(), source, TO_LOOK);
    long bytes = device.sectors() << 9;
    device.close();
    return bytes;
  }

  @Override
  public Object place(String address) {
    NbdSource source = NbdSource.parse(address);
    return source == null ? address : export(source);
  }

  @Override
  public BackingDevice preview(String address, long sectors) throws IOException {
    NbdSource source = parse(address);
    NbdDevice device = open.get(export(source));
    boolean isOurs = device == null;
    if (device == null) {
      device = connect(address, source, TO_LOOK);
    }
    return new NbdPreview(device, sectors == AS_IT_IS ? device.sectors() : sectors, isOurs);
  }

  @Override
  public boolean exists(String address) {
    try {
      bytes(parse(address));
      return true;
    } catch (IOException e) {
      LOG.debug("{}", e.getMessage());
      return false;
    }
  }

  @Override
  public String subject(String address) {
    return "NBD export " + address;
  }
}
