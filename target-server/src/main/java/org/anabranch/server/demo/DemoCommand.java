// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.demo;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.initiator.DiscoveredTarget;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.EmbeddedDefaults;
import org.anabranch.server.RefusedException;
import org.anabranch.server.Server;
import org.anabranch.server.terminal.ProgressBar;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code anabranch demo}: serves a disk on a free port of this machine, attaches to it over iSCSI,
 * writes, discards, stops, starts again, and checks every byte. Leaves nothing behind.
 */
@Command(
    name = "demo",
    description = "Serve a disk, attach to it and verify every byte; nothing is left behind.",
    mixinStandardHelpOptions = true)
public final class DemoCommand implements Callable<Integer> {
  private static final int PATIENCE_SECONDS = 30;
  private static final long AREA = 192L << 20;

  @Option(names = "--seed", paramLabel = "N", description = "Where in the disk things happen.")
  private long seed = 1;

  @Spec private CommandSpec spec;

  @Override
  public Integer call()
      throws RefusedException, InvalidConfigurationException, IOException, InterruptedException {
    if (System.getProperty("anabranch.log.level") == null) {
      System.setProperty("anabranch.log.level", "WARN"); // the story is told here
    }
    Screen screen = Screen.on(spec.commandLine().getOut());
    Path folder = Files.createTempDirectory("anabranch-demo");
    try {
      tell(screen, folder);
      return 0;
    } finally {
      delete(folder);
    }
  }

  private void tell(Screen screen, Path folder)
      throws RefusedException, InvalidConfigurationException, IOException, InterruptedException {
    screen.line("");
    screen.line(
        screen.bold("  Anabranch")
            + "   an iSCSI disk, served, attached and checked on this machine");
    screen.line("");
    Contents contents = new Contents(AREA);
    try (Initiator initiator = new Initiator()) {
      try (Server server = start(screen, folder)) {
        Disk disk = attach(screen, initiator, server);
        firstLife(screen, disk, contents);
        detach(screen, disk);
      }
      step(screen, "stop", "data is synced, the server is gone");
      try (Server server = start(screen, folder)) {
        Disk disk = attach(screen, initiator, server);
        verify(screen, disk, contents);
        detach(screen, disk);
      }
    }
    screen.line("");
    screen.line("  " + screen.green("✔") + " every byte is what was written, over a restart too");
    screen.line(screen.dim("    serve a disk of your own:  anabranch serve"));
    screen.line("");
  }

  private static Server start(Screen screen, Path folder)
      throws RefusedException, InvalidConfigurationException {
    Server server = Server.start(EmbeddedDefaults.configuration("127.0.0.1:0", folder));
    step(
        screen,
        "serve",
        screen.cyan(EmbeddedDefaults.TARGET) + " on " + server.portals().getFirst());
    return server;
  }

  private static Disk attach(Screen screen, Initiator initiator, Server server)
      throws IOException, InterruptedException {
    InetSocketAddress portal = portal(server);
    List<DiscoveredTarget> targets = Initiator.await(initiator.discover(portal), PATIENCE_SECONDS);
    DiscoveredTarget found = targets.getLast();
    String target = found.name();
    // A target may come without addresses first, which means "where you are now".
    SessionOptions options = SessionOptions.normal(target).digests(true, true);
    Session session = Initiator.await(initiator.login(portal, options), PATIENCE_SECONDS);
    Disk disk = Initiator.await(Disk.open(session, 0), PATIENCE_SECONDS);
    step(
        screen,
        "attach",
        "LUN 0: "
            + disk.product()
            + ", "
            + Sizes.bytes((double) disk.bytes())
            + ", "
            + disk.blockSize()
            + "-byte blocks, CRC32C digests");
    return disk;
  }

  private static InetSocketAddress portal(Server server) {
    String text = server.portals().getFirst();
    int colon = text.lastIndexOf(':');
    return new InetSocketAddress(
        InetAddress.ofLiteral(text.substring(0, colon)),
        Integer.parseInt(text.substring(colon + 1)));
  }

  private void firstLife(Screen screen, Disk disk, Contents contents)
      throws IOException, InterruptedException {
    int[] everything = Contents.range(0, contents.extents());
    write(screen, "write", disk, contents, everything);
    verify(screen, disk, contents);

    SplittableRandom random = new SplittableRandom(seed);
    int[] scattered =
        random.ints(contents.extents() / 4, 0, contents.extents()).distinct().toArray();
    write(screen, "overwrite", disk, contents, scattered);
    int first = random.nextInt(contents.extents() / 2);
    int count = contents.extents() / 4;
    Initiator.await(
        disk.unmap(Contents.lba(disk, first), count * (Contents.EXTENT / disk.blockSize())),
        PATIENCE_SECONDS);
    for (int extent = first; extent < first + count; extent++) {
      contents.zero(extent);
    }
    step(
        screen,
        "unmap",
        Sizes.bytes((double) count * Contents.EXTENT) + " given back to the file system");
    verify(screen, disk, contents);
    Initiator.await(disk.flush(), PATIENCE_SECONDS);
  }

  private static void write(Screen screen, String verb, Disk disk, Contents contents, int[] extents)
      throws IOException, InterruptedException {
    long bytes = (long) extents.length * Contents.EXTENT;
    ProgressBar bar = new ProgressBar(screen, label(screen, verb), bytes, System::nanoTime);
    contents.write(disk, extents, bar::update);
    step(screen, verb, bar.finish());
  }

  private static void verify(Screen screen, Disk disk, Contents contents)
      throws IOException, InterruptedException {
    ProgressBar bar =
        new ProgressBar(screen, label(screen, "verify"), contents.bytes(), System::nanoTime);
    contents.verify(disk, bar::update);
    step(screen, "verify", bar.finish() + ", all as written");
  }

  private static void detach(Screen screen, Disk disk) throws IOException, InterruptedException {
    Initiator.await(disk.session().logout(), PATIENCE_SECONDS);
    step(screen, "detach", "logged out");
  }

  private static void step(Screen screen, String verb, String text) {
    screen.line(label(screen, verb) + text);
  }

  private static String label(Screen screen, String verb) {
    return "  " + screen.bold(String.format("%-10s", verb));
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
