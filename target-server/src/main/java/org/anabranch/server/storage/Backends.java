// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.dm.PathOpener;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.storage.shared.SharedImage;
import org.jspecify.annotations.Nullable;

/**
 * All backends of a server. The first one that keeps a source, or owns an address, has it. Any
 * thread.
 *
 * @param list the one of files is the last: it owns every address
 */
public record Backends(List<VolumeBackend> list) implements PathOpener {
  public Backends {
    list = List.copyOf(list);
  }

  /** Tells all which server this is. */
  public void servedBy(String serverId) {
    list.forEach(each -> each.servedBy(serverId));
  }

  /** The image of a volume. */
  public VolumeImage image(VolumeConfig volume) {
    for (VolumeBackend backend : list) {
      if (backend.keeps(volume.source())) {
        return backend.image(volume);
      }
    }
    throw new IllegalStateException("no backend keeps " + volume.source());
  }

  /** The backend of an address. */
  VolumeBackend of(String address) {
    for (VolumeBackend backend : list) {
      if (backend.owns(address)) {
        return backend;
      }
    }
    throw new IllegalStateException("no backend owns " + address);
  }

  @Override
  public Object identity(String address) throws IOException {
    return of(address).identity(address);
  }

  @Override
  public BackingDevice open(String address) throws IOException {
    return of(address).open(address);
  }

  /** The image that a store of snapshots at an address belongs to; null when it is none of one. */
  public @Nullable SharedImage ownerOf(String address) {
    return of(address).ownerOf(address);
  }

  /** Whether two addresses lead to the same image. */
  public boolean isSame(String one, String other) {
    VolumeBackend backend = of(one);
    return backend.equals(of(other)) && Objects.equals(backend.place(one), backend.place(other));
  }
}
