// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.ResizableDevice;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.source.VolumeSource;
import org.anabranch.server.state.DiskNames;
import org.jspecify.annotations.Nullable;

/**
 * A backend of another kind than files: images are arrays of this process, which outlive a server.
 * Its addresses begin with {@code /memory/}, so that the configuration has words for them.
 */
public final class MemoryBackend implements VolumeBackend {
  private final Map<String, Image> images = new HashMap<>(); // guarded by this
  private final AtomicInteger looks = new AtomicInteger();

  /** An image, and what can be known of it. */
  private static final class Image {
    private final String id = "memory " + UUID.randomUUID();
    private byte[] bytes; // guarded by this
    private @Nullable UUID mark; // guarded by this
    private @Nullable DiskNames names; // guarded by this

    Image(long bytes) {
      this.bytes = new byte[Math.toIntExact(bytes)];
    }

    synchronized void resize(long length) {
      bytes = Arrays.copyOf(bytes, Math.toIntExact(length));
    }

    synchronized ImageFacts facts() {
      return new ImageFacts(bytes.length, id, mark, true);
    }

    synchronized long length() {
      return bytes.length;
    }

    synchronized @Nullable IoError serve(Io io) {
      if (io.end() * 512 > bytes.length) {
        return IoError.outOfRange(io, bytes.length / 512);
      }
      int at = Math.toIntExact(io.sector() * 512);
      int length = Math.toIntExact(io.sectors() * 512);
      switch (io.op()) {
        case READ -> io.data().put(io.data().position(), bytes, at, length);
        case WRITE -> io.data().get(io.data().position(), bytes, at, length);
        case DISCARD, WRITE_ZEROES -> Arrays.fill(bytes, at, at + length, (byte) 0);
        case BLOCK_STATUS -> io.answer(true, io.sectors());
        case FLUSH -> {}
      }
      return null;
    }
  }

  /** Puts an empty image in the place of the one at an address. */
  public synchronized void replace(String address) {
    images.computeIfPresent(address, (name, image) -> new Image(image.length()));
  }

  /** How often somebody asked what an image is, or how long, since this was asked. */
  public int looks() {
    return looks.getAndSet(0);
  }

  private synchronized @Nullable Image find(String address) {
    return images.get(address);
  }

  private Image existing(String address) throws IOException {
    Image image = find(address);
    if (image == null) {
      throw new IOException(address + " does not exist");
    }
    return image;
  }

  @Override
  public boolean keeps(VolumeSource source) {
    return owns(source.address());
  }

  @Override
  public boolean owns(String address) {
    return address.startsWith("/memory/");
  }

  @Override
  public Object identity(String address) throws IOException {
    return existing(address).id;
  }

  @Override
  public BackingDevice open(String address) throws IOException {
    return new Device(address, existing(address), false);
  }

  @Override
  public Object place(String address) {
    return address;
  }

  @Override
  public BackingDevice preview(String address, long sectors) throws IOException {
    Image image = new Image(sectors == AS_IT_IS ? existing(address).length() : sectors * 512);
    Image found = find(address);
    if (found != null) {
      synchronized (found) {
        ByteBuffer.wrap(image.bytes)
            .put(found.bytes, 0, Math.min(found.bytes.length, image.bytes.length));
      }
    }
    return new Device(address, image, false);
  }

  @Override
  public boolean exists(String address) {
    return find(address) != null;
  }

  @Override
  public VolumeImage image(VolumeConfig volume) {
    return new VolumeImage() {
      private final String address = volume.source().address();

      @Override
      public Set<Capability> capabilities() {
        return EnumSet.of(Capability.EXTENDS, Capability.GROWS_IN_USE);
      }

      @Override
      public boolean exists() {
        return find(address) != null;
      }

      @Override
      public long bytes() throws IOException {
        looks.incrementAndGet();
        return existing(address).length();
      }

      @Override
      public Cost cost(long bytes) {
        return new Cost(bytes, bytes, Runtime.getRuntime().freeMemory());
      }

      @Override
      public void make(long bytes) {
        synchronized (MemoryBackend.this) {
          images.put(address, new Image(bytes));
        }
      }

      @Override
      public void extend(long bytes) throws IOException {
        existing(address).resize(bytes);
      }

      @Override
      public void delete() {
        synchronized (MemoryBackend.this) {
          images.remove(address);
        }
      }

      @Override
      public @Nullable ImageFacts facts() {
        looks.incrementAndGet();
        Image image = find(address);
        return image == null ? null : image.facts();
      }

      @Override
      public boolean mark(UUID uuid) {
        Image image = find(address);
        if (image == null) {
          return false;
        }
        synchronized (image) {
          image.mark = uuid;
        }
        return true;
      }

      @Override
      public @Nullable DiskNames names() {
        Image image = find(address);
        if (image == null) {
          return null;
        }
        synchronized (image) {
          return image.names;
        }
      }

      @Override
      public boolean carry(DiskNames names) {
        Image image = find(address);
        if (image == null) {
          return false;
        }
        synchronized (image) {
          image.names = names;
        }
        return true;
      }

      @Override
      public BackingDevice open(String name) throws IOException {
        return new Device(name, existing(address), volume.readOnly());
      }
    };
  }

  private record Device(String name, Image image, boolean readOnly) implements ResizableDevice {
    @Override
    public Object identity() {
      return image.id;
    }

    @Override
    public long sectors() {
      return image.length() / 512;
    }

    @Override
    public Limits limits() {
      return Limits.DEFAULT.withReadOnly(readOnly);
    }

    @Override
    public void submit(Io io) {
      io.complete(image.serve(io));
    }

    @Override
    public CompletionStage<@Nullable Void> resize(long newSectors) {
      image.resize(newSectors * 512);
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<@Nullable Void> close() {
      return CompletableFuture.completedFuture(null);
    }
  }
}
