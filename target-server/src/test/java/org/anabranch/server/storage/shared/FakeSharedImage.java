// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.shared;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** An image in memory that servers share; {@link #at} is what one of them has of it. */
public final class FakeSharedImage {
  /** The texts that it carries. */
  public final Map<String, String> labels = new ConcurrentSkipListMap<>();

  /** How many bytes each of its stores has. */
  public final Map<String, Long> stores = new TreeMap<>();

  /** The server that has it. */
  public String owner;

  /** Whether the storage does not answer. */
  public boolean isSilent;

  public FakeSharedImage(String owner) {
    this.owner = owner;
  }

  /** The image as a server has it. */
  public SharedImage at(String server) {
    return new At(server);
  }

  private final class At implements SharedImage {
    private final String server;

    At(String server) {
      this.server = server;
    }

    @Override
    public boolean isHere() {
      return owner.equals(server);
    }

    private void here() throws IOException {
      answer();
      if (!isHere()) {
        throw new IOException("another server has the image");
      }
    }

    private void answer() throws IOException {
      if (isSilent) {
        throw new IOException("the storage does not answer");
      }
    }

    @Override
    public boolean claim() throws IOException {
      here();
      String before = labels.put("server", server);
      return before != null && !before.equals(server);
    }

    @Override
    public String label(String key) throws IOException {
      here();
      return labels.getOrDefault(key, "");
    }

    @Override
    public void label(String key, String value) throws IOException {
      here();
      labels.put(key, value);
    }

    @Override
    public String look(String key) throws IOException {
      answer();
      return labels.getOrDefault(key, "");
    }

    @Override
    public boolean exchange(String key, String expected, String value) throws IOException {
      synchronized (labels) {
        if (!look(key).equals(expected)) {
          return false;
        }
        labels.put(key, value);
        return true;
      }
    }

    @Override
    public boolean exchangeHere(String key, String expected, String value) throws IOException {
      here();
      return exchange(key, expected, value);
    }

    @Override
    public String removal(String key) {
      return "forget " + key;
    }

    @Override
    public String store(String pool, String name) {
      return "store:" + pool + "/" + name;
    }

    @Override
    public String common(String store) {
      return store.replace("store:", "");
    }

    @Override
    public String address(String common) {
      return "store:" + common;
    }

    @Override
    public long bytes(String store) throws IOException {
      here();
      return stores.getOrDefault(store, -1L);
    }

    @Override
    public ByteBuffer begin(String store, int bytes) throws IOException {
      here();
      return ByteBuffer.allocate((int) Math.min(bytes, bytes(store)));
    }

    @Override
    public void make(String store, long bytes) throws IOException {
      here();
      stores.put(store, bytes);
    }

    @Override
    public void delete(String store) throws IOException {
      here();
      stores.remove(store);
    }
  }
}
