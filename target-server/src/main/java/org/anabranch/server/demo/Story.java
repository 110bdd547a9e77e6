// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.initiator.DiscoveredTarget;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Sense;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionListener;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.base.EmbeddedDefaults;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.cli.DmCommand;
import org.anabranch.server.cli.MergeBar;
import org.anabranch.server.cli.StatusCommand;
import org.anabranch.server.control.ControlClient;
import org.anabranch.server.control.verbs.dm.DmMessageVerb;
import org.anabranch.server.control.verbs.snapshots.MergeEntry;
import org.anabranch.server.control.verbs.snapshots.MergeStep;
import org.anabranch.server.control.verbs.snapshots.SnapshotCreateVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotEntry;
import org.anabranch.server.control.verbs.snapshots.SnapshotListVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotMergeVerb;
import org.anabranch.server.serve.Server;
import org.anabranch.server.terminal.ProgressBar;
import org.anabranch.server.terminal.Screen;
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** The demo's story: what happens, and how it is told. One thread, once. */
final class Story {
  private static final int PATIENCE_SECONDS = 30;
  private static final long SYSTEM = 192L << 20;
  private static final long LOG = 16L << 20;
  private static final String SNAPSHOT = "disk0@before-upgrade";

  /** On a terminal, where somebody watches: bytes a second that are merged. */
  private static final long WATCHABLE = 40L << 20;

  private final Screen screen;
  private final Path folder;
  private final SplittableRandom random;
  private final ControlClient control;
  private final AtomicReference<@Nullable Sense> told = new AtomicReference<>();
  private boolean left; // the last line is empty

  /**
   * @param folder for the disk and the state
   * @param seed decides where things happen
   */
  Story(Screen screen, Path folder, long seed) {
    this.screen = screen;
    this.folder = folder;
    this.random = new SplittableRandom(seed);
    this.control = new ControlClient(socket());
  }

  private Path socket() {
    return folder.resolve("control.sock");
  }

  void tell()
      throws RefusedException, InvalidConfigurationException, IOException, InterruptedException {
    long began = System.nanoTime();
    screen.line("");
    screen.line(
        screen.bold("  Anabranch") + "   a disk over iSCSI, rolled back while it is in use");
    screen.line("");
    try (Server server = Server.start(EmbeddedDefaults.configuration("127.0.0.1:0", folder));
        Initiator initiator = new Initiator()) {
      step("serve", screen.cyan(EmbeddedDefaults.TARGET) + " on " + server.portals().getFirst());
      Disk disk = attach(initiator, server);
      Contents system = new Contents(0, SYSTEM);
      Contents log = new Contents(SYSTEM, LOG);
      install(disk, system);
      Contents installed = system.copy();
      snapshot();
      upgrade(disk, system, installed);
      show("status", new StatusCommand());
      rollBack(disk, installed, log);
      check(disk, installed, log);
      Initiator.await(disk.session().logout(), PATIENCE_SECONDS);
      step("detach", "logged out");
    }
    screen.line("");
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    screen.line(
        "  "
            + screen.green("✔")
            + " every byte is as it was installed; all in "
            + Sizes.time(took));
    screen.line(screen.dim("    serve a disk of your own:  anabranch serve"));
    screen.line("");
  }

  private Disk attach(Initiator initiator, Server server) throws IOException, InterruptedException {
    InetSocketAddress portal = portal(server);
    List<DiscoveredTarget> targets = Initiator.await(initiator.discover(portal), PATIENCE_SECONDS);
    SessionOptions options = SessionOptions.normal(targets.getLast().name()).digests(true, true);
    SessionListener listener =
        new SessionListener() {
          @Override
          public void unitAttention(Session session, long lun, Sense sense) {
            told.set(sense);
          }
        };
    Session session = Initiator.await(initiator.login(portal, options, listener), PATIENCE_SECONDS);
    Disk disk = Initiator.await(Disk.open(session, 0), PATIENCE_SECONDS);
    step(
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

  private void install(Disk disk, Contents system) throws IOException, InterruptedException {
    write("install", "a system: ", disk, system, Contents.range(0, system.extents()));
    Initiator.await(disk.flush(), PATIENCE_SECONDS);
    verify("verify", disk, system, ", all as written");
  }

  private void snapshot() throws RefusedException {
    long began = System.nanoTime();
    control.ask(
        SnapshotCreateVerb.CALL,
        SnapshotCreateVerb.Arguments.of(List.of(SNAPSHOT), null, null, false, null));
    Duration took = Duration.ofNanos(System.nanoTime() - began);
    step("snapshot", screen.cyan(SNAPSHOT) + " taken in " + took.toMillis() + " ms");
  }

  /** What goes wrong: some of the system is overwritten, some is gone. */
  private void upgrade(Disk disk, Contents system, Contents installed)
      throws IOException, InterruptedException {
    int extents = system.extents();
    int[] files = random.ints(extents / 3, 0, extents).distinct().toArray();
    write("upgrade", "other versions over it: ", disk, system, files);
    int first = random.nextInt(extents / 2);
    system.discard(disk, first, extents / 4);
    step("", Sizes.bytes((double) extents / 4 * Contents.EXTENT) + " of it deleted");
    ProgressBar bar = new ProgressBar(screen, label("verify"), system.bytes(), System::nanoTime);
    int broken = installed.differing(disk, bar::update);
    step(
        "verify",
        screen.red(
            screen.bad()
                + Sizes.bytes((double) broken * Contents.EXTENT)
                + " of the system are not what was installed"));
  }

  private void rollBack(Disk disk, Contents installed, Contents log)
      throws RefusedException, IOException, InterruptedException {
    prompt("snapshot merge --now " + SNAPSHOT);
    told.set(null);
    control.ask(SnapshotMergeVerb.CALL, SnapshotMergeVerb.Arguments.of(SNAPSHOT, true));
    if (screen.moves()) {
      control.ask(
          DmMessageVerb.CALL,
          new DmMessageVerb.Arguments("disk0", 0, List.of("throttle", Long.toString(WATCHABLE))));
    }
    boolean shown = false;
    long began = System.nanoTime();
    try (Bystander bystander = Bystander.start(disk, installed, log, random.nextLong())) {
      MergeBar bar = new MergeBar(screen, label("roll back"));
      long merged = 0;
      for (SnapshotEntry snapshot = merging(); snapshot != null; snapshot = merging()) {
        MergeEntry merge = snapshot.merge(); // null when it is about to be over
        if (merge != null) {
          bar.update(MergeStep.of(SNAPSHOT, snapshot.facts().phase(), merge));
          merged = Math.max(merged, merge.mergedBytes());
        }
        if (!shown && merged > 0) {
          shown = true;
          show("dm table disk0", new DmCommand(), "table", "disk0");
        }
        TimeUnit.MILLISECONDS.sleep(50); // the pace of what moves on the screen
      }
      bystander.stop();
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      step("roll back", Sizes.bytes((double) merged) + " merged back in " + Sizes.time(took));
      step(
          "meanwhile",
          bystander.reads()
              + " reads and "
              + bystander.writes()
              + " writes by the logged-in initiator, all right");
    }
    Sense sense = told.get();
    if (sense != null) {
      step("told", "the initiator: " + sense.describe());
    }
  }

  /** The snapshot while it is merged; null when that is over. */
  private @Nullable SnapshotEntry merging() throws RefusedException {
    List<SnapshotEntry> snapshots =
        control.ask(SnapshotListVerb.CALL, new SnapshotListVerb.Arguments("disk0")).snapshots();
    return snapshots.isEmpty() ? null : snapshots.getFirst();
  }

  private void check(Disk disk, Contents installed, Contents log)
      throws IOException, InterruptedException {
    verify("verify", disk, installed, " of the system, all as installed");
    verify("verify", disk, log, " of log, all as written during the rollback");
    show("dm table", new DmCommand(), "table");
  }

  private void write(String verb, String what, Disk disk, Contents contents, int[] extents)
      throws IOException, InterruptedException {
    long bytes = (long) extents.length * Contents.EXTENT;
    ProgressBar bar = new ProgressBar(screen, label(verb), bytes, System::nanoTime);
    contents.write(disk, extents, bar::update);
    step(verb, what + bar.finish());
  }

  private void verify(String verb, Disk disk, Contents contents, String verdict)
      throws IOException, InterruptedException {
    ProgressBar bar = new ProgressBar(screen, label(verb), contents.bytes(), System::nanoTime);
    contents.verify(disk, bar::update);
    step(verb, screen.good() + Sizes.bytes((double) contents.bytes()) + verdict);
  }

  /** Runs a command as somebody would at a prompt, and shows what it prints. */
  private void show(String typed, Object command, String... words) {
    prompt(typed);
    StringWriter text = new StringWriter();
    String[] all = java.util.Arrays.copyOf(words, words.length + 2);
    all[words.length] = "--socket";
    all[words.length + 1] = socket().toString();
    new CommandLine(command).setOut(new PrintWriter(text)).execute(all);
    text.toString()
        .replace(folder + "/", "")
        .lines()
        .filter(line -> !line.isBlank())
        .forEach(line -> screen.line("  " + screen.dim("  " + line)));
    leaveLine();
  }

  private void prompt(String typed) {
    leaveLine();
    left = false;
    screen.line("  " + screen.dim("$") + " anabranch " + typed);
  }

  /** Leaves an empty line, unless there is one. */
  private void leaveLine() {
    if (!left) {
      screen.line("");
    }
    left = true;
  }

  private void step(String verb, String text) {
    left = false;
    screen.line(label(verb) + text);
  }

  private String label(String verb) {
    return "  " + screen.bold(String.format("%-11s", verb));
  }
}
