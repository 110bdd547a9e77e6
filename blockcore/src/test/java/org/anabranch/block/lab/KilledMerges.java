// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.ThreadScheduler;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.file.FileOpener;
import org.anabranch.block.targets.TargetTypes;
import org.anabranch.block.testing.Await;
import org.jspecify.annotations.Nullable;

/** Stores on files, used by real threads, that another process merges until it is killed. */
final class KilledMerges {
  private static final String MERGING = "all have merged something";

  /** Milliseconds that a write to the origin takes: so long is the time to be killed in. */
  private static final int SLOW = 500;

  private final Path folder;
  private final List<StoreHistory> histories;

  KilledMerges(Path folder, List<StoreHistory> histories) {
    this.folder = folder;
    this.histories = histories;
  }

  private static Path origin(Path folder, StoreHistory history) {
    return folder.resolve("origin" + history.seed + ".img");
  }

  private static Path cow(Path folder, StoreHistory history) {
    return folder.resolve("cow" + history.seed + ".img");
  }

  /** Makes the files and carries the histories out. */
  void write() throws Exception {
    try (ThreadScheduler scheduler = new ThreadScheduler("scheduler")) {
      DeviceMapper mapper = new DeviceMapper(scheduler, new FileOpener(), TargetTypes.standard());
      for (StoreHistory history : histories) {
        Path origin = Files.write(origin(folder, history), history.initial());
        Path cow = Files.write(cow(folder, history), new byte[history.cowSectors * 512]);
        StoreUse store =
            new StoreUse(mapper, new Blocking(), history, origin.toString(), cow.toString());
        store.open();
        store.write(history.writes);
        store.close();
      }
    }
  }

  /**
   * Has another process merge all of them at once, and kills it in the middle: each has fewer
   * exceptions on its list than before, but some.
   */
  void mergeAndKill() throws Exception {
    List<Long> before = new ArrayList<>();
    for (StoreHistory history : histories) {
      before.add(SimulatedStore.exceptions(history, images(history)));
    }
    mergeUntilKilled();
    for (int i = 0; i < histories.size(); i++) {
      StoreHistory history = histories.get(i);
      assertThat(SimulatedStore.exceptions(history, images(history)))
          .as("exceptions left of %d, %s", before.get(i), history)
          .isBetween(1L, before.get(i) - 1);
    }
  }

  private void mergeUntilKilled() throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home", ""), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path", ""),
                KilledMerges.class.getName(),
                folder.toString()));
    histories.forEach(history -> command.add(Long.toString(history.seed)));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
      List<String> said = new ArrayList<>();
      for (String line; (line = output.readLine()) != null && !line.equals(MERGING); ) {
        said.add(line);
      }
      assertThat(process.isAlive()).as(() -> String.join("\n", said)).isTrue();
    } finally {
      process.destroyForcibly();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  /** What was left. */
  SimulatedStore.Images images(StoreHistory history) throws IOException {
    return new SimulatedStore.Images(
        Files.readAllBytes(origin(folder, history)), Files.readAllBytes(cow(folder, history)));
  }

  private static final class Blocking implements StoreUse.Waiter {
    @Override
    public <T extends @Nullable Object> T await(CompletionStage<T> stage) throws Exception {
      try {
        return stage.toCompletableFuture().get(60, TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        throw e.getCause() instanceof Exception cause ? cause : e;
      }
    }
  }

  /** The process that is killed: {@code folder seed...} */
  public static void main(String[] arguments) throws Exception {
    ThreadScheduler scheduler = new ThreadScheduler("scheduler");
    DeviceMapper mapper =
        new DeviceMapper(
            scheduler, new FileOpener(), TargetTypes.standard(SimulatedStore.SMALL_BATCHES));
    Path folder = Path.of(arguments[0]);
    Blocking waiter = new Blocking();
    List<String> merges = new ArrayList<>();
    for (int i = 1; i < arguments.length; i++) {
      StoreHistory history = new StoreHistory(Long.parseLong(arguments[i]));
      String slow = "slow" + history.seed;
      waiter.await(
          mapper.create(
              slow,
              "0 %d delay %s 0 0 %s 0 %d"
                  .formatted(
                      history.originSectors,
                      origin(folder, history),
                      origin(folder, history),
                      SLOW)));
      StoreUse store = new StoreUse(mapper, waiter, history, slow, cow(folder, history).toString());
      store.startMerge();
      String merge = "m" + history.seed;
      waiter.await(mapper.message(merge, 0, List.of("batch", "1"))); // as Linux would
      merges.add(merge);
    }
    for (String merge : merges) {
      Await.until(
          merge + " has merged something",
          () -> waiter.await(mapper.message(merge, 0, List.of("progress"))),
          progress -> !progress.contains(" merged=0 "));
    }
    System.out.println(MERGING);
    System.out.flush();
    System.in.transferTo(System.out); // until the end
  }
}
