// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.IoLatch;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.file.FileOpener;
import org.anabranch.block.targets.TargetTypes;
import org.jspecify.annotations.Nullable;

/** A device mapper on real files and threads, as production has it, with verbs that wait. */
public final class FileMapper implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 900;
  private static final int IN_FLIGHT = 32;

  private final ThreadScheduler scheduler = new ThreadScheduler("scheduler");
  private final DeviceMapper mapper =
      new DeviceMapper(scheduler, new FileOpener(), TargetTypes.standard());

  /** Where in a device a write goes, and its bytes. */
  public interface Content {
    /** Sector of the {@code i}th write. */
    long sector(int i);

    /** Data of the {@code i}th write; used until that write has completed. */
    ByteBuffer data(int i);
  }

  /** Makes a file of holes. */
  public static Path sparse(Path path, long bytes) throws IOException {
    Files.deleteIfExists(path);
    try (var file =
        Files.newByteChannel(
            path,
            java.util.Set.of(
                java.nio.file.StandardOpenOption.CREATE_NEW,
                java.nio.file.StandardOpenOption.WRITE,
                java.nio.file.StandardOpenOption.SPARSE))) {
      file.position(bytes - 1).write(ByteBuffer.allocate(1));
    }
    return path;
  }

  public DeviceMapper mapper() {
    return mapper;
  }

  /** Waits for the end of something that was begun. */
  public <T extends @Nullable Object> T await(CompletionStage<T> stage) throws IOException {
    try {
      return stage.toCompletableFuture().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("it takes more than " + PATIENCE_SECONDS + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  public BlockDevice create(String name, String table) throws IOException {
    return await(mapper.create(name, table));
  }

  public void remove(String... names) throws IOException {
    for (String name : names) {
      await(mapper.remove(name));
    }
  }

  public void message(String name, String words) throws IOException {
    await(mapper.message(name, 0, List.of(words.split(" ", -1))));
  }

  /** The status behind the target's name. */
  public String status(String name) throws IOException {
    try {
      return mapper.status(name).strip().split(" ", 4)[3];
    } catch (TableException e) {
      throw new IOException(e);
    }
  }

  /** Waits until the merge on device {@code name} has nothing left to do. */
  public void awaitMerge(String name) throws IOException {
    while (true) {
      try {
        long seen = mapper.info(name).eventNumber();
        String status = status(name);
        String[] words = status.split("[/ ]", -1);
        if (!Character.isDigit(status.charAt(0))) {
          throw new IOException(name + ": " + status);
        }
        if (words[0].equals(words[2])) {
          return;
        }
        await(mapper.await(name, seen));
      } catch (TableException e) {
        throw new IOException(e);
      }
    }
  }

  /** Carries {@code count} writes out, many at a time, and flushes. */
  public static void write(BlockDevice device, int count, Content content) throws IOException {
    Semaphore places = new Semaphore(IN_FLIGHT);
    AtomicReference<@Nullable IoError> failure = new AtomicReference<>();
    for (int i = 0; i < count; i++) {
      places.acquireUninterruptibly();
      device.submit(
          Io.write(
              content.sector(i),
              content.data(i),
              false,
              (io, error) -> {
                if (error != null) {
                  failure.compareAndSet(null, error);
                }
                places.release();
              }));
    }
    places.acquireUninterruptibly(IN_FLIGHT);
    IoError error = failure.get();
    if (error != null) {
      throw error.toException();
    }
    IoLatch.await(device, Io::flush);
  }

  @Override
  public void close() {
    scheduler.close();
  }
}
