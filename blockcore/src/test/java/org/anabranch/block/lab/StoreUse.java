// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.dm.DeviceMapper;
import org.jspecify.annotations.Nullable;

/** Does with one origin and store, by tables as a user would write them, what a test asks for. */
final class StoreUse {
  /** Waits for the end of something that was begun. */
  interface Waiter {
    <T extends @Nullable Object> T await(CompletionStage<T> stage) throws Exception;
  }

  private static final int IN_FLIGHT = 6;
  private static final int READ_SECTORS = 256;

  private final DeviceMapper mapper;
  private final Waiter waiter;
  private final StoreHistory history;
  private final String origin;
  private final String cow;
  private final String suffix;

  /**
   * @param origin how tables name the origin
   * @param cow how tables name the store's device
   */
  StoreUse(DeviceMapper mapper, Waiter waiter, StoreHistory history, String origin, String cow) {
    this.mapper = mapper;
    this.waiter = waiter;
    this.history = history;
    this.origin = origin;
    this.cow = cow;
    this.suffix = Long.toString(history.seed);
  }

  /** Makes or loads the snapshot, and puts the origin in use. */
  void open() throws Exception {
    waiter.await(mapper.create("s" + suffix, table("snapshot")));
    waiter.await(
        mapper.create("w" + suffix, "0 " + history.originSectors + " snapshot-origin " + origin));
  }

  void close() throws Exception {
    waiter.await(mapper.remove("s" + suffix));
    waiter.await(mapper.remove("w" + suffix));
  }

  private String table(String target) {
    return String.format(
        Locale.ROOT,
        "0 %d %s %s %s %s %d",
        history.originSectors,
        target,
        origin,
        cow,
        history.type,
        history.chunkSectors);
  }

  /** Carries writes out, several at a time unless they touch the same sectors. */
  void write(List<StoreHistory.Write> writes) throws Exception {
    byte[] pattern = StoreHistory.pattern();
    List<StoreHistory.Write> flying = new ArrayList<>();
    List<CompletionStage<@Nullable Void>> ends = new ArrayList<>();
    for (StoreHistory.Write write : writes) {
      if (flying.size() == IN_FLIGHT || flying.stream().anyMatch(other -> clash(write, other))) {
        awaitAll(ends);
        flying.clear();
      }
      ByteBuffer data = ByteBuffer.allocateDirect(write.count() * 512);
      data.put(pattern, write.at() * 512, write.count() * 512).flip();
      flying.add(write);
      ends.add(
          submit(
              write.toSnapshot() ? "s" : "w", done -> Io.write(write.sector(), data, false, done)));
    }
    awaitAll(ends);
    waiter.await(submit("s", Io::flush));
    waiter.await(submit("w", Io::flush));
  }

  private void awaitAll(List<CompletionStage<@Nullable Void>> ends) throws Exception {
    for (CompletionStage<@Nullable Void> end : ends) {
      waiter.await(end);
    }
    ends.clear();
  }

  private static boolean clash(StoreHistory.Write a, StoreHistory.Write b) {
    return a.toSnapshot() == b.toSnapshot()
        && a.sector() < b.sector() + b.count()
        && b.sector() < a.sector() + a.count();
  }

  private interface Request {
    Io to(IoCompletion done);
  }

  private CompletionStage<@Nullable Void> submit(String device, Request request) throws Exception {
    BlockDevice to = mapper.device(device + suffix);
    CompletableFuture<@Nullable Void> end = new CompletableFuture<>();
    to.submit(
        request.to((io, error) -> {
          if (error == null) {
            end.complete(null);
          } else {
            end.completeExceptionally(error.toException());
          }
        }));
    return end;
  }

  /** What the snapshot ({@code s}), the origin ({@code w}) or the merge ({@code m}) reads as. */
  byte[] read(String device) throws Exception {
    byte[] bytes = new byte[history.originSectors * 512];
    ByteBuffer buffer = ByteBuffer.allocateDirect(READ_SECTORS * 512);
    for (int at = 0; at < bytes.length; at += buffer.capacity()) {
      int sector = at / 512;
      buffer.clear().limit(Math.min(buffer.capacity(), bytes.length - at));
      waiter.await(submit(device, done -> Io.read(sector, buffer, done)));
      buffer.get(0, bytes, at, buffer.limit());
    }
    return bytes;
  }

  /** The status line of {@code s}, {@code w} or {@code m}, as dmsetup prints it. */
  String status(String device) throws Exception {
    return mapper.status(device + suffix).strip();
  }

  /** Begins to merge. */
  void startMerge() throws Exception {
    waiter.await(mapper.create("m" + suffix, table("snapshot-merge")));
  }

  /** Waits until nothing is left to merge; the status then. Fails if the merge does. */
  String finishMerge() throws Exception {
    while (true) {
      long seen = mapper.info("m" + suffix).eventNumber();
      String status = status("m");
      String[] words = status.split(" ", -1);
      if (!Character.isDigit(words[3].charAt(0))) {
        throw new AssertionError(history + ": " + status);
      }
      if (words[3].split("/", -1)[0].equals(words[4])) {
        return status;
      }
      waiter.await(mapper.await("m" + suffix, seen));
    }
  }

  void stopMerge() throws Exception {
    waiter.await(mapper.remove("m" + suffix));
  }
}
