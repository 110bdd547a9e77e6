// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.SharedDevice;
import org.anabranch.block.Tenure;
import org.anabranch.block.dm.PathOpener;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.storage.shared.VolumePreparation;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens what tables name by address; a volume's image in the way that the volume asks for. */
final class VolumeOpener implements PathOpener {
  private static final Logger LOG = LoggerFactory.getLogger(VolumeOpener.class);

  private final Backends backends;

  /** By the image's identity, so that a table may spell the address in another way. */
  private final Map<Object, VolumeConfig> volumes = new ConcurrentHashMap<>();

  /** By volume, as last opened. */
  private final Map<String, BackingDevice> open = new ConcurrentHashMap<>();

  /** Volumes that are not served, by the identity of their images. */
  private final Map<Object, String> barred = new ConcurrentHashMap<>();

  private volatile BiConsumer<String, Tenure> listener = (volume, tenure) -> {};

  private volatile VolumePreparation preparation = (volume, open) -> open.run();

  VolumeOpener(Backends backends) {
    this.backends = backends;
  }

  /** The image is there and has its length. */
  void put(VolumeConfig volume) throws IOException {
    barred.values().removeIf(volume.name()::equals);
    volumes.put(identity(volume.source().address()), volume);
  }

  /** Its image is like any other from here on. */
  void remove(String volume) {
    volumes.values().removeIf(known -> known.name().equals(volume));
    open.remove(volume);
  }

  /** A volume has another name. */
  void renamed(String volume, VolumeConfig now) {
    volumes.replaceAll((identity, known) -> known.name().equals(volume) ? now : known);
    BackingDevice device = open.remove(volume);
    if (device != null) {
      open.put(now.name(), device);
    }
  }

  /** Refuses everybody the image of a volume that is not served, as far as there is one. */
  void bar(String volume, String address) {
    try {
      barred.put(identity(address), volume);
    } catch (IOException e) {
      LOG.debug("volume {}: {}", volume, e.getMessage()); // nobody else can open it either
    }
  }

  /** A volume that is open, as it is configured. */
  @Nullable VolumeConfig volume(String name) {
    return volumes.values().stream()
        .filter(each -> each.name().equals(name))
        .findAny()
        .orElse(null);
  }

  /** All open images of volumes, by volume. */
  Map<String, BackingDevice> devices() {
    return new TreeMap<>(open);
  }

  /** The open image of a volume. */
  @Nullable BackingDevice device(String volume) {
    return open.get(volume);
  }

  @Override
  public Object identity(String address) throws IOException {
    return backends.identity(address);
  }

  @Override
  public BackingDevice open(String address) throws IOException {
    Object identity = identity(address);
    String left = barred.get(identity);
    if (left != null) {
      throw new IOException(address + ": is the image of volume " + left + ", which is not served");
    }
    VolumeConfig volume = volumes.get(identity);
    if (volume == null) {
      return backends.open(address);
    }
    BackingDevice device = backends.image(volume).open(address);
    open.put(volume.name(), device);
    if (device instanceof SharedDevice shared) {
      shared.onTenure(tenure -> changed(shared, tenure));
      shared.beforeActive(open -> prepare(shared, open));
    }
    return device;
  }

  /** Has {@code listener} told of the tenure of volumes that other servers may serve, too. */
  void onTenure(BiConsumer<String, Tenure> newListener) {
    listener = newListener;
  }

  /** Has something done when a volume comes here from another server. */
  void beforeActive(VolumePreparation newPreparation) {
    preparation = newPreparation;
  }

  private void prepare(SharedDevice device, Runnable letThrough) throws RefusedException {
    String volume =
        open.entrySet().stream()
            .filter(each -> each.getValue().equals(device))
            .map(Map.Entry::getKey)
            .findAny()
            .orElseThrow(() -> new RefusedException(device.name() + " is no volume's image"));
    preparation.prepare(volume, letThrough);
  }

  private void changed(SharedDevice device, Tenure tenure) {
    open.forEach((volume, opened) -> {
      if (opened.equals(device)) {
        listener.accept(volume, tenure);
      }
    });
  }
}
