// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.rbd;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Scheduler;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.rbd.RbdDevice;
import org.anabranch.block.rbd.RbdImage;
import org.anabranch.block.rbd.RbdImages;
import org.anabranch.block.rbd.RbdOptions;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.source.RbdSource;
import org.anabranch.config.source.VolumeSource;
import org.anabranch.server.storage.VolumeBackend;
import org.anabranch.server.storage.VolumeImage;
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

  /** An attempt that took longer is not made again by everybody who asks about the image. */
  private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final ConcurrentHashMap<RbdImage, RbdDevice> open = new ConcurrentHashMap<>();

  /** Clusters that did not answer a moment ago, by the path of their configuration. */
  private final ConcurrentHashMap<String, Silence> silent = new ConcurrentHashMap<>();

  private record Silence(String reason, long until) {}

  /** A question to a cluster. */
  @FunctionalInterface
  interface Question<T extends @Nullable Object> {
    T ask() throws IOException;
  }

  /** Made when the first image is opened; it has a thread. */
  private @Nullable Scheduler scheduler; // guarded by this

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
    if (device(source) == null && look(source) == null) {
      throw new IOException(address + ": there is no image " + source.spec());
    }
    return image(source);
  }

  @Override
  public BackingDevice open(String address) throws IOException {
    return open(address, parse(address), RbdOptions.DEFAULT);
  }

  /**
   * Opens an image.
   *
   * @throws IOException with a message of one line that names it
   */
  RbdDevice open(String name, RbdSource source, RbdOptions options) throws IOException {
    RbdImage image = image(source);
    RbdDevice device = ask(source, () -> RbdDevice.open(name, image, options, scheduler()));
    open.put(image, device);
    device.whenClosed().whenComplete((nothing, failure) -> open.remove(image, device));
    return device;
  }

  /** The device of an image that is open here and still ours; null if there is none. */
  @Nullable RbdDevice device(RbdSource source) {
    RbdDevice device = open.get(image(source));
    return device == null || device.departure() != null ? null : device;
  }

  /**
   * Asks a cluster, unless it did not answer a moment ago.
   *
   * @throws IOException with a message of one line that names the image
   */
  <T extends @Nullable Object> T ask(RbdSource source, Question<T> question) throws IOException {
    Silence silence = silent.get(source.conf());
    long begin = System.nanoTime();
    if (silence != null && begin - silence.until() < 0) {
      throw new IOException(source.address() + ": " + silence.reason());
    }
    try {
      T answer = question.ask();
      silent.remove(source.conf());
      return answer;
    } catch (IOException e) {
      String reason = String.valueOf(e.getMessage());
      long now = System.nanoTime();
      if (now - begin > SLOW_NANOS) {
        silent.put(source.conf(), new Silence(reason, now + SILENCE_NANOS));
      }
      throw new IOException(source.address() + ": " + reason, e);
    }
  }

  private synchronized Scheduler scheduler() {
    if (scheduler == null) {
      scheduler = new ThreadScheduler("rbd timers");
    }
    return scheduler;
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
