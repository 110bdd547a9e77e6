// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.rbd;

import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.rbd.RbdDevice;
import org.anabranch.block.rbd.RbdImage;
import org.anabranch.block.rbd.RbdImages;
import org.anabranch.block.rbd.RbdOptions;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.source.RbdSource;
import org.anabranch.server.state.DiskNames;
import org.anabranch.server.storage.ImageFacts;
import org.anabranch.server.storage.VolumeImage;
import org.anabranch.server.storage.shared.SharedImage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The RBD image behind a volume.
 *
 * <dl>
 *   <dt>What does a new one cost?
 *   <dd>Nothing at once. How much is free for it is the cluster's affair, and not asked.
 *   <dt>How is it known again?
 *   <dd>By a mark and the names of the disk, which it carries in its metadata ({@code rbd
 *       image-meta ls}), and by its id, which no other image of the pool has.
 *   <dt>Who else can write to it while it is open?
 *   <dd>Nobody, unless he breaks its exclusive lock; then it cannot be written from here.
 * </dl>
 */
final class RbdVolumeImage implements VolumeImage {
  private static final Logger LOG = LoggerFactory.getLogger(RbdVolumeImage.class);

  private static final String MARK = "anabranch.volume";
  private static final String NAMES = "anabranch.names";

  private final RbdBackend backend;
  private final RbdSource source;
  private final RbdImage image;
  private final VolumeConfig volume;

  RbdVolumeImage(RbdBackend backend, RbdSource source, VolumeConfig volume) {
    this.backend = backend;
    this.source = source;
    this.image = RbdBackend.image(source);
    this.volume = volume;
  }

  @Override
  public Set<Capability> capabilities() {
    return EnumSet.allOf(Capability.class);
  }

  /** Also when the cluster cannot be asked: {@link #bytes} says why. */
  @Override
  public boolean exists() {
    try {
      return backend.look(source) != null;
    } catch (IOException e) {
      LOG.debug("{}", e.getMessage());
      return true;
    }
  }

  @Override
  public long bytes() throws IOException {
    RbdImages.Facts facts = backend.look(source);
    if (facts == null) {
      throw new IOException(source.address() + ": there is no image " + source.spec());
    }
    return facts.bytes();
  }

  @Override
  public Cost cost(long bytes) {
    return new Cost(0, bytes, Long.MAX_VALUE);
  }

  @Override
  public void make(long bytes) throws IOException {
    change(() -> RbdImages.make(image, bytes, RbdBackend.LOOK_NANOS));
  }

  @Override
  public void extend(long bytes) throws IOException {
    change(() -> RbdImages.resize(image, bytes, RbdBackend.LOOK_NANOS));
  }

  @Override
  public void delete() throws IOException {
    change(() -> RbdImages.delete(image, RbdOptions.DEFAULT.callNanos()));
  }

  @FunctionalInterface
  private interface Change {
    void make() throws IOException;
  }

  private void change(Change change) throws IOException {
    backend.ask(
        source,
        () -> {
          change.make();
          return true;
        });
  }

  @Override
  public @Nullable ImageFacts facts() throws IOException {
    RbdImages.Facts facts = backend.look(source);
    return facts == null
        ? null
        : new ImageFacts(facts.bytes(), "rbd " + facts.id(), uuid(label(MARK)), true);
  }

  private static @Nullable UUID uuid(String text) {
    try {
      return text.isEmpty() ? null : UUID.fromString(text);
    } catch (IllegalArgumentException e) {
      return null; // not our mark
    }
  }

  private String label(String key) throws IOException {
    RbdDevice device = backend.device(source);
    return backend.ask(
        source,
        () ->
            device == null
                ? RbdImages.label(image, key, RbdBackend.LOOK_NANOS)
                : device.label(key));
  }

  private boolean label(String key, String value) {
    if (volume.readOnly()) {
      return false;
    }
    RbdDevice device = backend.device(source);
    try {
      change(() -> {
        if (device == null) {
          RbdImages.label(image, key, value, RbdBackend.LOOK_NANOS);
        } else {
          device.label(key, value);
        }
      });
      return true;
    } catch (IOException e) {
      LOG.warn("it cannot carry its {}: {}", key, e.getMessage());
      return false;
    }
  }

  @Override
  public boolean mark(UUID uuid) {
    return label(MARK, uuid.toString());
  }

  @Override
  public @Nullable DiskNames names() {
    try {
      return DiskNames.parse(label(NAMES));
    } catch (IOException e) {
      LOG.debug("no names of the disk: {}", e.getMessage());
      return null;
    }
  }

  @Override
  public boolean carry(DiskNames names) {
    return label(NAMES, names.toString());
  }

  @Override
  public void keepHere(boolean isKept) throws IOException {
    RbdDevice device = backend.device(source);
    if (device == null || volume.readOnly()) {
      return;
    }
    String server =
        isKept
            ? backend.serverId()
            : device.label(SharedImage.STATE).isEmpty() ? "" : RbdDevice.ALL_SERVERS;
    change(() -> {
      if (!device.label(RbdDevice.KEEPER).equals(server)) {
        device.label(RbdDevice.KEEPER, server);
      }
    });
  }

  @Override
  public @Nullable SharedImage shared() {
    return volume.readOnly() ? null : new RbdSharedImage(backend, source);
  }

  @Override
  public BackingDevice open(String name) throws IOException {
    return backend.open(
        name,
        source,
        RbdOptions.DEFAULT
            .withBlockSizes(volume.blockSize(), volume.physicalBlockSize())
            .withReadOnly(volume.readOnly())
            .withServer(backend.serverId()));
  }
}
