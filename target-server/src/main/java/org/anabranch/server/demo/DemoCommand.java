// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.log.Logging;
import org.anabranch.server.terminal.Screen;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code anabranch demo}: the whole story, on a free port of this machine and in a folder of its
 * own. Whatever ends it, Ctrl-C included, nothing is left behind.
 */
@Command(
    name = "demo",
    description = {
      "Show a rollback under a live initiator, from serving a disk to its repair.",
      "The demo serves a disk, attaches to it, takes a snapshot, breaks what is on the",
      "disk, and rolls it back while it is in use. Every byte is verified, and nothing",
      "is left behind."
    },
    footer = {"", "Example:", "  anabranch demo"},
    mixinStandardHelpOptions = true)
public final class DemoCommand implements Callable<Integer> {
  private static final int INTERRUPTED = 130;

  @Option(names = "--seed", paramLabel = "N", description = "Where in the disk things happen.")
  private long seed = 1;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws RefusedException, InvalidConfigurationException, IOException {
    Logging.quiet(); // the story is told here
    Screen screen = Screen.on(spec.commandLine().getOut());
    Path folder = Files.createTempDirectory("anabranch-demo");
    CountDownLatch clean = new CountDownLatch(1);
    Thread interrupt = onInterrupt(Thread.currentThread(), clean);
    Runtime.getRuntime().addShutdownHook(interrupt);
    boolean ended = false;
    try {
      new Story(screen, folder, seed).tell();
      ended = true;
      return 0;
    } catch (InterruptedException e) {
      return INTERRUPTED;
    } catch (RefusedException | IOException | RuntimeException e) {
      if (Thread.interrupted()) {
        return INTERRUPTED; // whatever it interrupted
      }
      throw e;
    } finally {
      Thread.interrupted(); // or the folder could not be deleted
      try {
        delete(folder);
        if (!ended) {
          screen.line("");
          screen.line("  the demo did not come to its end; nothing is left behind");
        }
      } finally {
        clean.countDown();
        removeHook(interrupt);
      }
    }
  }

  /** Ctrl-C ends the story, and the process when all is cleaned up. */
  private static Thread onInterrupt(Thread story, CountDownLatch clean) {
    return new Thread(
        () -> {
          story.interrupt();
          try {
            clean.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        },
        "interrupt");
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending, and the hook is what ended the story.
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file); // a thread that ends may be tidying up as well
      }
    }
  }
}
