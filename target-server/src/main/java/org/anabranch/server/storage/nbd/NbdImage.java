// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.nbd;

import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.nbd.NbdOptions;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.source.NbdSource;
import org.anabranch.server.state.DiskNames;
import org.anabranch.server.storage.ImageFacts;
import org.anabranch.server.storage.VolumeImage;
import org.jspecify.annotations.Nullable;

/**
 * The export behind a volume. It is made, extended and deleted by its server, not from here; it is
 * known again by its length alone, and carries no names. Whether it exists is found out by looking:
 * a server that cannot be reached says nothing about that.
 */
final class NbdImage implements VolumeImage {
  private final NbdBackend backend;
  private final NbdSource source;
  private final VolumeConfig volume;

  NbdImage(NbdBackend backend, NbdSource source, VolumeConfig volume) {
    this.backend = backend;
    this.source = source;
    this.volume = volume;
  }

  @Override
  public Set<Capability> capabilities() {
    return EnumSet.noneOf(Capability.class);
  }

  /** Always: {@link #bytes} says why it cannot be used. */
  @Override
  public boolean exists() {
    return true;
  }

  @Override
  public long bytes() throws IOException {
    return backend.bytes(source);
  }

  @Override
  public Cost cost(long bytes) {
    return new Cost(0, bytes, Long.MAX_VALUE);
  }

  @Override
  public void make(long bytes) throws IOException {
    throw notFromHere("made");
  }

  @Override
  public void extend(long bytes) throws IOException {
    throw notFromHere("extended");
  }

  @Override
  public void delete() throws IOException {
    throw notFromHere("deleted");
  }

  private IOException notFromHere(String what) {
    return new IOException(source.address() + ": an NBD export is " + what + " by its own server");
  }

  @Override
  public ImageFacts facts() throws IOException {
    return new ImageFacts(bytes(), "", null, false);
  }

  @Override
  public boolean mark(UUID uuid) {
    return false;
  }

  @Override
  public @Nullable DiskNames names() {
    return null;
  }

  @Override
  public boolean carry(DiskNames names) {
    return false;
  }

  @Override
  public BackingDevice open(String name) throws IOException {
    return backend.open(
        name,
        source,
        NbdOptions.DEFAULT
            .withBlockSizes(volume.blockSize(), volume.physicalBlockSize())
            .withReadOnly(volume.readOnly()));
  }
}
