// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.cache.BootId;
import org.anabranch.block.cache.WriteCache;
import org.anabranch.block.testing.FilterDevice;

/** Ways to make the write caches of a {@link Machine} wrong. */
final class CacheSabotages {
  private CacheSabotages() {}

  /** Changes a ring that a process has left. */
  interface Damage {
    void to(MemorySegment memory, int segmentBytes, BootId boot);
  }

  /** Hands a request to a cache, or past it to its device, its own way. */
  interface Front {
    void submit(BlockDevice cache, BlockDevice device, Io io, SimScheduler scheduler);
  }

  private abstract static class OfCaches implements Sabotage {
    @Override
    public boolean needsCache() {
      return true;
    }
  }

  static Sabotage leftRing(Damage damage) {
    return new OfCaches() {
      @Override
      public void leftRing(MemorySegment memory, int segmentBytes, BootId boot) {
        damage.to(memory, segmentBytes, boot);
      }
    };
  }

  static Sabotage inAnotherBoot() {
    return new OfCaches() {
      @Override
      public boolean sameBoot() {
        return true;
      }
    };
  }

  static Sabotage above(Front front) {
    return new OfCaches() {
      @Override
      public BlockDevice cache(BlockDevice cache, BlockDevice device, SimScheduler scheduler) {
        return new FilterDevice(cache) {
          @Override
          public void submit(Io io) {
            front.submit(cache, device, io, scheduler);
          }
        };
      }
    };
  }

  /** A suspend does not wait for what was acknowledged, and so it goes on. */
  static Sabotage withoutHold() {
    return new OfCaches() {
      @Override
      public BlockDevice cache(BlockDevice cache, BlockDevice device, SimScheduler scheduler) {
        scheduler.execute(((WriteCache) cache)::release);
        return new FilterDevice(cache) {
          @Override
          public void submit(Io io) {
            ((WriteCache) cache).release();
            below.submit(io);
          }
        };
      }
    };
  }

  static void acknowledgesFirst(
      BlockDevice cache, BlockDevice device, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.WRITE && !io.fua()) {
      ByteBuffer copy = ByteBuffer.allocate(io.data().remaining()).put(io.data().duplicate());
      Io later = Io.write(io.sector(), copy.flip(), false, (ended, error) -> {});
      scheduler.execute(() -> cache.submit(later));
      io.complete(null);
    } else {
      cache.submit(io);
    }
  }

  static void flushesAtOnce(BlockDevice cache, BlockDevice device, Io io, SimScheduler scheduler) {
    if (io.op() == Io.Op.FLUSH) {
      device.submit(io);
    } else {
      cache.submit(io);
    }
  }
}
