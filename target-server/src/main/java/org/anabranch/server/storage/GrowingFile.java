// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Extendable;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.anabranch.block.ResizableDevice;
import org.anabranch.block.count.Counts;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.ThreadStart;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A store that grows on demand, as far as its {@link Growth} allows. */
final class GrowingFile implements BackingDevice, Extendable {
  private static final Logger LOG = LoggerFactory.getLogger(GrowingFile.class);

  private final ResizableDevice file;
  private final Growth growth;
  private final ThreadFactory threads;
  private @Nullable CompletableFuture<Boolean> extending; // guarded by this

  GrowingFile(ResizableDevice file, Growth growth) {
    this(file, growth, Thread.ofVirtual().name("extend " + file.name()).factory());
  }

  /**
   * The same with other threads.
   *
   * @param threads each extends the file once
   */
  GrowingFile(ResizableDevice file, Growth growth, ThreadFactory threads) {
    this.file = file;
    this.growth = growth;
    this.threads = threads;
  }

  ResizableDevice file() {
    return file;
  }

  @Override
  public synchronized CompletionStage<Boolean> extendBeyond(long sectors) {
    if (file.sectors() > sectors) {
      return CompletableFuture.completedFuture(true);
    }
    if (extending == null) {
      CompletableFuture<Boolean> done = new CompletableFuture<>();
      extending = done;
      if (!ThreadStart.of(threads, () -> extend(done))) {
        extending = null; // so that the next request tries again
        return CompletableFuture.completedFuture(false);
      }
    }
    return extending;
  }

  private void extend(CompletableFuture<Boolean> done) {
    boolean extended = false;
    try {
      long bytes = growth.next(file.sectors() * 512);
      Stages.<@Nullable Void>await(file.name(), file.resize(bytes / 512));
      LOG.info("store {}: extended to {} bytes", file.name(), bytes);
      extended = true;
    } catch (RefusedException e) {
      LOG.warn(
          "store {}: cannot be extended: {}; when it is full, its snapshot is lost, and the volume is"
              + " not: free space, raise the limit, or remove a snapshot",
          file.name(),
          e.getMessage());
    } finally {
      synchronized (this) {
        extending = null;
      }
      done.complete(extended);
    }
  }

  @Override
  public String name() {
    return file.name();
  }

  @Override
  public long sectors() {
    return file.sectors();
  }

  @Override
  public Limits limits() {
    return file.limits();
  }

  @Override
  public void submit(Io io) {
    file.submit(io);
  }

  @Override
  public Object identity() {
    return file.identity();
  }

  @Override
  public @Nullable String failure() {
    return file.failure();
  }

  @Override
  public @Nullable Counts counts() {
    return file.counts();
  }

  @Override
  public boolean isSparse() {
    return file.isSparse();
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    return file.close();
  }
}
