// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.UUID;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.ResizableDevice;
import org.anabranch.server.state.DiskNames;
import org.anabranch.server.storage.shared.SharedImage;
import org.jspecify.annotations.Nullable;

/**
 * The image of one volume, before and while it is served. Any thread; every call may wait. An
 * {@link IOException} has a message of one line that names the image.
 */
public interface VolumeImage {
  /**
   * What not every image can do. Whether an open image has holes and frees storage is asked of the
   * device: see {@link org.anabranch.block.Limits}.
   */
  enum Capability {
    /** It can be made longer before it is opened. */
    EXTENDS,
    /** It can be made longer while it is open, which is a {@link ResizableDevice}. */
    GROWS_IN_USE,
    /** It can be made shorter while it is open, which is a {@link ResizableDevice}. */
    SHRINKS_IN_USE,
    /** While it is open no other process that asks first can write to it. */
    LOCKS
  }

  /** What this image can do; for an absent one, what it could do once it is made. */
  Set<Capability> capabilities();

  /** Whether there is anything at the address, of whatever kind. */
  boolean exists();

  /**
   * Its length, bytes.
   *
   * @throws IOException also when it is absent, or when what is there cannot be an image
   */
  long bytes() throws IOException;

  /**
   * Why it is absent and cannot be made, and what to do; null when nothing of that kind is known.
   */
  default @Nullable String obstacle() {
    return null;
  }

  /** What making this image would cost. */
  Cost cost(long bytes) throws IOException;

  /**
   * The storage that a new image takes.
   *
   * @param now bytes that are taken at once
   * @param later bytes that it can take in the course of time, {@code now} included
   * @param free bytes that are free for it; {@link Long#MAX_VALUE} where no bound is known
   */
  record Cost(long now, long later, long free) {}

  /**
   * The storage that it takes now.
   *
   * @param allocated bytes
   * @param free bytes that are free for it
   */
  record Space(long allocated, long free) {}

  /** The regular file of this machine that it is; null when it is none, or absent. */
  default @Nullable Path file() {
    return null;
  }

  /** The storage that it takes; null where that is not known. */
  default @Nullable Space space() throws IOException {
    return null;
  }

  /** Makes it, durably. All of it reads as zeros. */
  void make(long bytes) throws IOException;

  /** Makes it longer, durably; what is new reads as zeros. It is not open. */
  void extend(long bytes) throws IOException;

  /** Takes back {@link #make}, durably; nothing happens when it is absent. */
  void delete() throws IOException;

  /**
   * What says which image it is, and how long: one look, which is all that an opening needs. Null
   * when it is absent.
   *
   * @throws IOException also when what is there cannot be an image
   */
  @Nullable ImageFacts facts() throws IOException;

  /**
   * Lets it carry the identity of its volume, durably.
   *
   * @return false where that is not possible or not permitted
   */
  boolean mark(UUID volume);

  /** The names of the disk that it carries; null if it carries none, or they cannot be read. */
  @Nullable DiskNames names();

  /**
   * Lets it carry the names of the disk.
   *
   * @return false where that is not possible or not permitted
   */
  boolean carry(DiskNames names);

  /**
   * Says that this server keeps on its own disk what belongs to the image, such as stores of
   * snapshots, so that no other server may serve it; or that it does not any more. Durable. Nothing
   * happens where only one machine can reach the image, or where another server has it.
   */
  default void keepHere(boolean isKept) throws IOException {}

  /** What it is to several servers; null where only one machine can reach it. */
  default @Nullable SharedImage shared() {
    return null;
  }

  /**
   * Opens it in the way that the volume is configured.
   *
   * @param name what the device is called in messages
   */
  BackingDevice open(String name) throws IOException;
}
