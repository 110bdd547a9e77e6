// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.demo;

import java.io.IOException;
import java.util.SplittableRandom;
import org.anabranch.initiator.Disk;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who uses the disk while it is rolled back: reads the system anywhere, and keeps a log in
 * a part of the disk of its own, checking all that it reads. A thread.
 */
final class Bystander implements AutoCloseable {
  private final Disk disk;
  private final Contents system;
  private final Contents log;
  private final SplittableRandom random;
  private final Thread thread;

  private volatile boolean stopping;
  private volatile long reads; // written by the thread
  private volatile long writes; // written by the thread
  private volatile @Nullable Exception failure; // written by the thread

  private Bystander(Disk disk, Contents system, Contents log, long seed) {
    this.disk = disk;
    this.system = system;
    this.log = log;
    this.random = new SplittableRandom(seed);
    this.thread = Thread.ofPlatform().daemon().name("bystander").unstarted(this::run);
  }

  /**
   * Begins to use the disk.
   *
   * @param system what it must read as; not changed meanwhile
   * @param log what the log holds; only this thread's until the end
   */
  static Bystander start(Disk disk, Contents system, Contents log, long seed) {
    Bystander bystander = new Bystander(disk, system, log, seed);
    bystander.thread.start();
    return bystander;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread updates them
  private void run() {
    try {
      while (!stopping) {
        system.verify(disk, random.nextInt(system.extents()));
        reads++;
        int line = random.nextInt(log.extents());
        log.write(disk, line);
        writes++;
        log.verify(disk, line);
        reads++;
      }
    } catch (IOException | RuntimeException e) {
      failure = e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  long reads() {
    return reads;
  }

  long writes() {
    return writes;
  }

  /** Ends it; fails with what failed. */
  void stop() throws IOException, InterruptedException {
    close();
    thread.join();
    Exception failed = failure;
    if (failed != null) {
      throw new IOException("during the rollback: " + failed.getMessage(), failed);
    }
  }

  /** Lets it end, without waiting for that. */
  @Override
  public void close() {
    stopping = true;
  }
}
