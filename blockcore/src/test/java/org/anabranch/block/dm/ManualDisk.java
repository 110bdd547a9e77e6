// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory that ends each request at once, or, when it holds, as soon as it is told to. It
 * remembers what it was asked for.
 */
final class ManualDisk implements BackingDevice {
  final byte[] bytes;
  final List<String> asked = new ArrayList<>();
  final ArrayDeque<Io> held = new ArrayDeque<>();
  final CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();
  boolean holds;
  boolean closeWaits;
  int closes;
  Limits limits = Limits.DEFAULT;
  @Nullable IoError error;

  private final String name;

  ManualDisk(String name, int sectors) {
    this.name = name;
    this.bytes = new byte[sectors * 512];
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long sectors() {
    return bytes.length / 512;
  }

  @Override
  public Limits limits() {
    return limits;
  }

  @Override
  public Object identity() {
    return name;
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    closes++;
    if (!closeWaits) {
      closed.complete(null);
    }
    return closed;
  }

  @Override
  public void submit(Io io) {
    asked.add(io.toString());
    if (holds) {
      held.add(io);
    } else {
      end(io);
    }
  }

  /** Ends the oldest request that is held. */
  void endOne() {
    end(held.remove());
  }

  void endAll() {
    while (!held.isEmpty()) {
      endOne();
    }
  }

  private void end(Io io) {
    if (error != null) {
      io.complete(error);
      return;
    }
    int at = (int) io.sector() * 512;
    switch (io.op()) {
      case READ -> io.data().put(io.data().position(), bytes, at, io.data().remaining());
      case WRITE -> {
        ByteBuffer data = io.data();
        data.get(data.position(), bytes, at, data.remaining());
      }
      case DISCARD, WRITE_ZEROES -> Arrays.fill(bytes, at, at + (int) io.sectors() * 512, (byte) 0);
      case BLOCK_STATUS -> io.answer(true, io.sectors());
      case FLUSH -> {}
    }
    io.complete(null);
  }
}
