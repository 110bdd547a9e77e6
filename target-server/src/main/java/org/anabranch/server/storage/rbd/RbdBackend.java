// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.rbd;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Scheduler;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.rbd.RbdDevice;
import org.anabranch.block.rbd.RbdImage;
import org.anabranch.block.rbd.RbdImages;
import org.anabranch.block.rbd.RbdOptions;
import org.anabranch.block.rbd.SharedRbdDevice;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.source.RbdSource;
import org.anabranch.config.source.VolumeSource;
import org.anabranch.server.storage.VolumeBackend;
import org.anabranch.server.storage.VolumeImage;
import org.anabranch.server.storage.remote.SilentEndpoints;
import org.anabranch.server.storage.shared.SharedImage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Images of Ceph's block device; an address is one as {@link RbdSource} has it.
 *
 * <p>An image that is open here has its lock here, so that its labels are changed by the client
 * that has it. A cluster that does not answer is not asked again for some seconds.
 */
public final class RbdBackend implements VolumeBackend {
  private static final Logger LOG = LoggerFactory.getLogger(RbdBackend.class);

  /** The longest look at an image, and the longest change of one that is not open. */
  static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(15);

  /** A cluster that has not answered for so long is not asked again by everybody. */
  private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** The clients of images that are open here; they have none while another server is active. */
  private final ConcurrentHashMap<RbdImage, Supplier<@Nullable RbdDevice>> open =
      new ConcurrentHashMap<>();

  /** Stores of snapshots, and the images that they belong to, whose clients use them. */
  private final ConcurrentHashMap<RbdImage, RbdSharedImage> stores = new ConcurrentHashMap<>();

  /** Clusters, by the path of their configuration. */
  private final SilentEndpoints<String> clusters = new SilentEndpoints<>(SLOW_NANOS);

  /** Made when the first image is opened; it has a thread. */
  private @Nullable Scheduler scheduler; // guarded by this

  /** Which server this is; empty before it is known, and for commands without a server. */
  private volatile String serverId = "";

  @Override
  public void servedBy(String newServerId) {
    serverId = newServerId;
  }

  /** Which server this is. */
  String serverId() {
    return serverId;
  }

  @Override
  public boolean keeps(VolumeSource source) {
    return source instanceof RbdSource;
  }

  @Override
  public boolean owns(String address) {
    return RbdSource.isMeant(address);
  }

  @Override
  public VolumeImage image(VolumeConfig volume) {
    if (volume.source() instanceof RbdSource source) {
      return new RbdVolumeImage(this, source, volume);
    }
    throw new IllegalArgumentException(volume.source() + " is no RBD image");
  }

  private static RbdSource parse(String address) throws IOException {
    RbdSource source = RbdSource.parse(address);
    if (source == null) {
      throw new IOException(address + " is not of the form rbd:POOL/IMAGE[:id=USER][:conf=/PATH]");
    }
    return source;
  }

  static RbdImage image(RbdSource source) {
    return new RbdImage(
        source.conf(), source.user(), source.pool(), source.namespace(), source.image());
  }

  @Override
  public Object identity(String address) throws IOException {
    RbdSource source = parse(address);
    if (stores.containsKey(image(source))) {
      return image(source);
    }
    if (device(source) == null && look(source) == null) {
      throw new IOException(address + ": there is no image " + source.spec());
    }
    return image(source);
  }

  @Override
  public BackingDevice open(String address) throws IOException {
    RbdSource source = parse(address);
    RbdSharedImage owner = stores.get(image(source));
    if (owner != null) {
      return ask(source, () -> owner.open(address, image(source)));
    }
    RbdDevice device =
        ask(source, () -> RbdDevice.open(address, image(source), RbdOptions.DEFAULT, scheduler()));
    return known(source, device, () -> device, device.whenClosed());
  }

  /**
   * Opens the image of a volume, which other servers may serve, too.
   *
   * @throws IOException with a message of one line that names it
   */
  BackingDevice open(String name, RbdSource source, RbdOptions options) throws IOException {
    RbdImage image = image(source);
    if (options.readOnly()) { // needs no lock
      RbdDevice device = ask(source, () -> RbdDevice.open(name, image, options, scheduler()));
      return known(source, device, () -> device, device.whenClosed());
    }
    SharedRbdDevice device =
        ask(source, () -> SharedRbdDevice.open(name, image, options, scheduler()));
    return known(source, device, device::active, device.whenClosed());
  }

  private BackingDevice known(
      RbdSource source,
      BackingDevice device,
      Supplier<@Nullable RbdDevice> client,
      CompletionStage<?> end) {
    RbdImage image = image(source);
    open.put(image, client);
    end.whenComplete((nothing, failure) -> open.remove(image, client));
    return device;
  }

  /** The client of an image that is open here and ours; null if there is none. */
  @Nullable RbdDevice device(RbdSource source) {
    Supplier<@Nullable RbdDevice> client = open.get(image(source));
    RbdDevice device = client == null ? null : client.get();
    return device == null || device.departure() != null ? null : device;
  }

  /**
   * Asks a cluster, unless it did not answer a moment ago.
   *
   * @throws IOException with a message of one line that names the image
   */
  <T extends @Nullable Object> T ask(RbdSource source, SilentEndpoints.Question<T> question)
      throws IOException {
    return clusters.ask(source.conf(), source.address(), question);
  }

  private synchronized Scheduler scheduler() {
    if (scheduler == null) {
      scheduler = new ThreadScheduler("rbd timers");
    }
    return scheduler;
  }

  /** A store of snapshots is used by the client of an image from now on. */
  void belongs(RbdImage store, RbdSharedImage owner) {
    stores.put(store, owner);
  }

  /** A store is gone. */
  void forget(RbdImage store) {
    stores.remove(store);
  }

  @Override
  public @Nullable SharedImage ownerOf(String address) {
    RbdSource source = RbdSource.parse(address);
    return source == null ? null : stores.get(image(source));
  }

  /** What is known of an image; null if the cluster has none. */
  RbdImages.@Nullable Facts look(RbdSource source) throws IOException {
    RbdDevice device = device(source);
    return device == null
        ? ask(source, () -> Optional.ofNullable(RbdImages.look(image(source), LOOK_NANOS)))
            .orElse(null)
        : ask(source, () -> new RbdImages.Facts(device.sectors() << 9, device.id()));
  }

  @Override
  public Object place(String address) {
    RbdSource source = RbdSource.parse(address);
    return source == null ? address : image(source);
  }

  @Override
  public BackingDevice preview(String address, long sectors) throws IOException {
    RbdSource source = parse(address);
    RbdDevice device = device(source);
    if (device != null) {
      return new RbdPreview(
          address, device, sectors == AS_IT_IS ? device.sectors() : sectors, false);
    }
    if (sectors != AS_IT_IS && look(source) == null) {
      return new RbdPreview(address, null, sectors, false);
    }
    RbdOptions toLook = RbdOptions.DEFAULT.withReadOnly(true).withTimes(LOOK_NANOS, LOOK_NANOS);
    RbdDevice reader =
        ask(source, () -> RbdDevice.open(address, image(source), toLook, scheduler()));
    return new RbdPreview(address, reader, sectors == AS_IT_IS ? reader.sectors() : sectors, true);
  }

  @Override
  public boolean exists(String address) {
    try {
      return look(parse(address)) != null;
    } catch (IOException e) {
      LOG.debug("{}", e.getMessage());
      return false;
    }
  }

  @Override
  public String subject(String address) {
    RbdSource source = RbdSource.parse(address);
    return "RBD image " + (source == null ? address : source.spec());
  }
}
