// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.snapshots;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.storage.Stages;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread {@code merges}: looks after merges once a {@value #PERIOD_MILLIS} ms, ends those that
 * have nothing left, and lets those start that waited for the last logout. Other methods: any
 * thread.
 */
final class MergeWatch {
  private static final Logger LOG = LoggerFactory.getLogger(MergeWatch.class);
  private static final long PERIOD_MILLIS = 250;
  private static final long PATIENCE_MILLIS = 60_000;

  /** Ends a merge. */
  interface End {
    void ended(String device) throws RefusedException;
  }

  private final DeviceMapper mapper;
  private final End end;
  private final Runnable startWaiting;
  private final Map<String, String> volumes = new ConcurrentHashMap<>(); // by snapshot
  private final Set<String> reported = ConcurrentHashMap.newKeySet();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread = Thread.ofPlatform().daemon().name("merges").unstarted(this::run);

  MergeWatch(DeviceMapper mapper, End end, Runnable startWaiting) {
    this.mapper = mapper;
    this.end = end;
    this.startWaiting = startWaiting;
  }

  void start() {
    thread.start();
  }

  /** A merge began. */
  void add(String volume, String device) {
    reported.remove(device);
    volumes.put(device, volume);
  }

  private void run() {
    try {
      while (!closing.await(PERIOD_MILLIS, TimeUnit.MILLISECONDS)) {
        volumes.forEach(this::look);
        startWaiting.run();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void look(String device, String volume) {
    try {
      String reply = Stages.await(volume, mapper.message(volume, 0, java.util.List.of("progress")));
      MergeStatus status = MergeStatus.parse(reply);
      if (status.isDone()) {
        end(device, volume);
      } else if (status.isStuck() && reported.add(device)) {
        LOG.error(
            "volume {}: the merge of {} {}",
            volume,
            device,
            status.isFailed()
                ? "failed; snapshot resume or the next start tries again"
                : "cannot go on, since its store is invalid; snapshot remove --force gives it up");
      }
    } catch (RefusedException e) {
      if (closing.getCount() > 0 && reported.add(device)) {
        LOG.error("volume {}: {}", volume, e.getMessage());
      }
    }
  }

  /** Whoever merges a snapshot of that name after this adds another one. */
  private void end(String device, String volume) throws RefusedException {
    volumes.remove(device);
    try {
      end.ended(device);
    } catch (RefusedException e) {
      volumes.putIfAbsent(device, volume);
      throw e;
    }
  }

  /** Nobody looks after it any more. */
  void remove(String device) {
    volumes.remove(device);
  }

  /** What is being started or ended comes to its end first, or devices would go under it. */
  void close() {
    closing.countDown();
    try {
      thread.join(PATIENCE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
