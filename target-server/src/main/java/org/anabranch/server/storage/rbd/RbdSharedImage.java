// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.rbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.Io;
import org.anabranch.block.rbd.RbdDevice;
import org.anabranch.block.rbd.RbdImage;
import org.anabranch.block.rbd.RbdImages;
import org.anabranch.config.source.RbdSource;
import org.anabranch.server.storage.shared.SharedImage;
import org.anabranch.server.storage.shared.SharedInvalidStores;
import org.jspecify.annotations.Nullable;

/**
 * An RBD image that several servers serve. The texts that it carries are metadata of the image
 * ({@code rbd image-meta ls}), and so are in its header object; stores are images of a pool, which
 * the image's own client uses. So Ceph shuts a former owner out of all of them at once.
 *
 * <p>The image is marked before the first snapshot, so that servers leave it alone that do not know
 * of such stores, and after the last one.
 */
final class RbdSharedImage implements SharedImage {
  private static final int LONGEST_NAME = 96;
  private static final String SUFFIX = ".cow";

  /** The server that had the image last. */
  private static final String SERVER = "anabranch.server";

  private final RbdBackend backend;
  private final RbdSource source;

  RbdSharedImage(RbdBackend backend, RbdSource source) {
    this.backend = backend;
    this.source = source;
  }

  @Override
  public boolean isHere() {
    return backend.device(source) != null;
  }

  private RbdDevice device() throws IOException {
    RbdDevice device = backend.device(source);
    if (device == null) {
      throw new IOException(source.spec() + ": another server has the image");
    }
    return device;
  }

  @Override
  public boolean claim() throws IOException {
    String before = label(SERVER);
    if (!before.equals(backend.serverId())) {
      label(SERVER, backend.serverId());
    }
    return !before.isEmpty() && !before.equals(backend.serverId());
  }

  @Override
  public String label(String key) throws IOException {
    return device().label(key);
  }

  @Override
  public void label(String key, String value) throws IOException {
    RbdDevice device = device();
    String keeper = key.equals(STATE) ? device.label(RbdDevice.KEEPER) : "";
    if (key.equals(STATE) && !value.isEmpty() && keeper.isEmpty()) {
      device.label(RbdDevice.KEEPER, RbdDevice.ALL_SERVERS);
    }
    device.label(key, value);
    if (key.equals(STATE) && value.isEmpty() && keeper.equals(RbdDevice.ALL_SERVERS)) {
      device.label(RbdDevice.KEEPER, "");
    }
  }

  @Override
  public String look(String key) throws IOException {
    RbdDevice device = backend.device(source);
    return device != null
        ? device.label(key)
        : backend.ask(
            source, () -> RbdImages.label(RbdBackend.image(source), key, RbdBackend.LOOK_NANOS));
  }

  @Override
  public boolean exchange(String key, String expected, String value) throws IOException {
    RbdDevice device = backend.device(source);
    return device != null
        ? device.exchange(key, expected, value)
        : backend.ask(
            source,
            () ->
                RbdImages.exchange(
                    RbdBackend.image(source), key, expected, value, RbdBackend.LOOK_NANOS));
  }

  @Override
  public boolean exchangeHere(String key, String expected, String value) throws IOException {
    return device().exchange(key, expected, value);
  }

  @Override
  public String removal(String key) {
    return "rbd image-meta remove " + source.spec() + " " + key;
  }

  @Override
  public String store(String pool, String name) {
    String volume =
        source.pool() + "." + (source.namespace().isEmpty() ? "" : source.namespace() + ".");
    String whole = volume + source.image() + "." + name + SUFFIX;
    String image =
        whole.length() <= LONGEST_NAME
            ? whole
            : UUID.nameUUIDFromBytes(whole.getBytes(StandardCharsets.UTF_8)) + SUFFIX;
    return address(pool + "/" + image);
  }

  private static RbdSource parse(String store) {
    return Objects.requireNonNull(RbdSource.parse(store), store);
  }

  /** A store, which belongs to this image from now on. */
  private RbdImage mine(String store) {
    RbdImage image = RbdBackend.image(parse(store));
    backend.belongs(image, this);
    return image;
  }

  @Override
  public String common(String store) {
    return parse(store).spec();
  }

  @Override
  public String address(String common) {
    RbdSource store = RbdSource.of(common, source.conf(), source.user());
    if (store == null) {
      throw new IllegalArgumentException(common + " is no image of a pool");
    }
    return store.address();
  }

  /** Opens a store with the client of the image. */
  RbdDevice open(String name, RbdImage store) throws IOException {
    return device().openBeside(name, store);
  }

  @Override
  public long bytes(String store) throws IOException {
    return device().bytesBeside(mine(store));
  }

  @Override
  public ByteBuffer begin(String store, int bytes) throws IOException {
    RbdDevice device = open(store, mine(store));
    try {
      int sectors = (int) Math.min(Math.ceilDiv(bytes, 512), device.sectors());
      ByteBuffer data = ByteBuffer.allocateDirect(sectors * 512);
      CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
      device.submit(
          Io.read(
              0,
              data,
              (io, error) -> {
                if (error == null) {
                  done.complete(null);
                } else {
                  done.completeExceptionally(error.toException());
                }
              }));
      done.get();
      return data.clear().limit(Math.min(bytes, data.capacity()));
    } catch (java.util.concurrent.ExecutionException e) {
      throw new IOException(store + ": " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(store + ": interrupted", e);
    } finally {
      device.close();
    }
  }

  @Override
  public void make(String store, long bytes) throws IOException {
    device().makeBeside(mine(store), bytes);
  }

  @Override
  public void delete(String store) throws IOException {
    device().deleteBeside(mine(store));
    SharedInvalidStores.remove(this, store);
    backend.forget(RbdBackend.image(parse(store)));
  }
}
