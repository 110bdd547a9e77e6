// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.anabranch.block.file.CrashFiles;
import org.anabranch.block.file.UnsyncedContents;
import org.anabranch.block.file.UnsyncedContents.Change;
import org.jspecify.annotations.Nullable;

/**
 * A folder on a drive with a volatile cache, of which a cut of the power takes back whatever was
 * not synced:
 *
 * <pre>
 *   of a file     any sector and the length, back to what they were at its last sync
 *   of a folder   its last changes of names (made, renamed, deleted), back to its last sync; those
 *                 of one folder are lost from the newest on, those of two folders independently
 * </pre>
 *
 * A sync of a file does not make its name durable, and one of a folder not what its files hold. A
 * kill of the process takes nothing back. Either happens before the step that it was asked for;
 * from then on nothing is noted, and what is still done has never been done.
 *
 * <p>Any thread; one step at a time, under this object's lock.
 */
public final class CrashDisk implements CrashFiles.Gate {
  /** A name's file or folder. */
  private sealed interface Node permits FileNode, Folder {}

  /** A file, also after its last name is gone. */
  private static final class FileNode implements Node {
    final UnsyncedContents contents = new UnsyncedContents();
    Path at;

    FileNode(Path at) {
      this.at = at;
    }
  }

  private static final class Folder implements Node {
    final Map<String, Node> durable = new TreeMap<>();
    final Map<String, Node> now = new TreeMap<>();

    /** Changes that are not durable, the oldest first: names and what they stand for then. */
    final List<Map<String, @Nullable Node>> log = new ArrayList<>();

    void change(Map<String, @Nullable Node> names) {
      log.add(names);
      apply(now, names);
    }

    static void apply(Map<String, Node> entries, Map<String, @Nullable Node> names) {
      names.forEach((name, node) -> {
        if (node == null) {
          entries.remove(name);
        } else {
          entries.put(name, node);
        }
      });
    }

    void synced(int changes) {
      List<Map<String, @Nullable Node>> done = log.subList(0, Math.min(changes, log.size()));
      done.forEach(names -> apply(durable, names));
      done.clear();
    }
  }

  /** What a crash is. */
  public enum Crash {
    /** The process is killed. */
    KILL,
    /** The power is cut. */
    POWER_CUT
  }

  private final Path root;
  private final Path next;
  private final Path deleted;
  private final Folder top = new Folder();
  private final Function<String, SyncEffect> effects;
  private final Consumer<String> trace;
  private final List<Runnable> late = new ArrayList<>(); // guarded by this

  /** Those that are effective before the next sync. Guarded by this. */
  private final List<Runnable> due = new ArrayList<>();

  private int deletions; // guarded by this
  private long steps; // guarded by this
  private long crashAt = Long.MAX_VALUE; // guarded by this
  private Crash crash = Crash.KILL; // guarded by this
  private SplittableRandom losses = new SplittableRandom(0); // guarded by this
  private @Nullable String crashedBefore; // guarded by this
  private int lost; // guarded by this

  /**
   * @param folder what is in it is durable
   * @param effects of the sync of a path from the folder
   * @param trace hears of every step
   */
  public CrashDisk(Path folder, Function<String, SyncEffect> effects, Consumer<String> trace)
      throws IOException {
    this.root = CrashPath.below(folder);
    this.next = root.resolveSibling(root.getFileName() + ".next");
    this.deleted = root.resolveSibling(root.getFileName() + ".deleted");
    this.effects = effects;
    this.trace = trace;
    scan(root, top);
    Files.createDirectories(deleted);
    CrashProvider.noteFor(this);
  }

  private static void scan(Path at, Folder folder) throws IOException {
    try (DirectoryStream<Path> names = Files.newDirectoryStream(at)) {
      for (Path path : names) {
        Node node;
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
          Folder below = new Folder();
          scan(path, below);
          node = below;
        } else {
          node = new FileNode(path);
        }
        folder.durable.put(name(path), node);
        folder.now.put(name(path), node);
      }
    }
  }

  private static String name(Path path) {
    return Objects.requireNonNull(path.getFileName()).toString();
  }

  /** Crashes before the step that comes after so many more ones. */
  public synchronized void crashIn(long moreSteps, Crash how, SplittableRandom random) {
    crashAt = steps + moreSteps;
    crash = how;
    losses = random;
  }

  /** Crashes now, unless it has. */
  public synchronized void crashNow(Crash how, SplittableRandom random) throws IOException {
    if (crashedBefore == null) {
      crash = how;
      losses = random;
      crash("anything else");
    }
  }

  /** Crashes no more; whether it has not yet. */
  public synchronized boolean cancelCrash() {
    crashAt = Long.MAX_VALUE;
    return crashedBefore == null;
  }

  /** The step that the crash came before; null: none yet. */
  public synchronized @Nullable String crashedBefore() {
    return crashedBefore;
  }

  /** Sectors, lengths and names that the crash took back. */
  public synchronized int lost() {
    return lost;
  }

  /** Puts what the crash left in the folder's place. Nobody uses the folder any more. */
  public synchronized void replace() throws IOException {
    CrashProvider.noteFor(null);
    delete(root);
    delete(deleted);
    Files.move(next, root);
  }

  /** Notes nothing any more. Nothing was lost. */
  public synchronized void close() throws IOException {
    CrashProvider.noteFor(null);
    delete(deleted);
  }

  private static void delete(Path path) throws IOException {
    if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      try (DirectoryStream<Path> names = Files.newDirectoryStream(path)) {
        for (Path each : names) {
          delete(each);
        }
      }
    }
    Files.deleteIfExists(path);
  }

  // --- the crash ------------------------------------------------------------------------------

  private void step(String what) throws IOException {
    if (crashedBefore != null) {
      return;
    }
    if (steps >= crashAt) {
      crash(what);
    } else {
      steps++;
      trace.accept(what);
    }
  }

  private void crash(String before) throws IOException {
    trace.accept(crash + " before " + before);
    crashedBefore = before;
    copy(top, root, next);
  }

  private void copy(Folder folder, Path from, Path to) throws IOException {
    Files.createDirectory(to);
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(from);
    Files.setPosixFilePermissions(to, permissions);
    int count = folder.log.size();
    int kept = crash == Crash.KILL ? count : kept(count);
    Map<String, Node> entries = new TreeMap<>(folder.durable);
    folder.log.subList(0, kept).forEach(names -> Folder.apply(entries, names));
    lost += count - kept;
    for (Map.Entry<String, Node> each : entries.entrySet()) {
      Path copy = to.resolve(each.getKey());
      switch (each.getValue()) {
        case Folder below -> copy(below, from.resolve(each.getKey()), copy);
        case FileNode file -> {
          Files.copy(file.at, copy, StandardCopyOption.COPY_ATTRIBUTES);
          if (crash == Crash.POWER_CUT) {
            lost += file.contents.strike(copy, losses);
          }
        }
      }
    }
  }

  private int kept(int count) {
    return switch (losses.nextInt(3)) {
      case 0 -> 0;
      case 1 -> count;
      default -> losses.nextInt(count + 1);
    };
  }

  // --- what devices do with their files -------------------------------------------------------

  @Override
  public UnsyncedContents contents(Path file) {
    return file(CrashPath.below(file)).contents;
  }

  @Override
  public synchronized <T> T pass(String what, Change<T> change) throws IOException {
    step(what);
    return change.run();
  }

  @Override
  public synchronized void synced(Path file, Runnable durable) {
    effect(CrashPath.below(file), durable);
  }

  @Override
  public synchronized void resizing(Path file, long before) {
    file(CrashPath.below(file)).contents.lengthWas(before);
  }

  private void effect(Path path, Runnable durable) {
    due.forEach(Runnable::run);
    due.clear();
    String relative = root.relativize(path).toString();
    if (relative.equals("state")) {
      due.addAll(late);
      late.clear();
    }
    switch (effects.apply(relative)) {
      case NOW -> durable.run();
      case NEVER -> {}
      case LATER -> late.add(durable);
    }
  }

  // --- what everything else does with files and names ------------------------------------------

  /** Whether a path is in the folder. */
  boolean has(Path path) {
    return path.startsWith(root);
  }

  private String named(Path path) {
    return root.relativize(path).toString();
  }

  private synchronized Folder folder(Path path) {
    Folder at = top;
    for (Path name : root.equals(path) ? List.<Path>of() : root.relativize(path)) {
      at = (Folder) Objects.requireNonNull(at.now.get(name.toString()), () -> "no " + path);
    }
    return at;
  }

  private synchronized FileNode file(Path path) {
    Folder folder = folder(Objects.requireNonNull(path.getParent()));
    return (FileNode) Objects.requireNonNull(folder.now.get(name(path)), () -> "no " + path);
  }

  /** What has a name; null: nothing. */
  private synchronized @Nullable Node node(Path path) {
    Node at = top;
    for (Path name : path.equals(root) ? List.<Path>of() : root.relativize(path)) {
      at = at instanceof Folder folder ? folder.now.get(name.toString()) : null;
    }
    return at;
  }

  private void change(Path path, @Nullable Node node) {
    Map<String, @Nullable Node> names = new HashMap<>();
    names.put(name(path), node);
    folder(Objects.requireNonNull(path.getParent())).change(names);
  }

  /** Opens a file to write it, which may make it. */
  synchronized FileChannel open(Path path, boolean truncates, Change<FileChannel> open)
      throws IOException {
    boolean isNew = node(path) == null;
    if (isNew) {
      step(named(path) + " made");
    } else if (truncates) {
      throw new UnsupportedOperationException(path + " truncated when opened: not noted");
    }
    FileChannel channel = open.run();
    if (isNew) {
      change(path, new FileNode(path));
    }
    return new NotedChannel(channel, new NotedFile(path, file(path)));
  }

  /** Opens a file or a folder, to read or to sync it. */
  FileChannel reading(Path path, FileChannel channel) {
    return Files.isDirectory(path)
        ? new NotedChannel(channel, new NotedFolder(path))
        : new NotedChannel(channel, new NotedFile(path, file(path)));
  }

  synchronized void makeFolder(Path path, IoAction make) throws IOException {
    if (node(path) == null) {
      step(named(path) + " made");
    }
    make.run();
    change(path, new Folder());
  }

  synchronized void delete(Path path, IoAction delete) throws IOException {
    Node node = node(path);
    if (node != null) {
      step(named(path) + " deleted");
      keep(node);
    }
    delete.run();
    change(path, null);
  }

  synchronized void move(Path from, Path to, IoAction move) throws IOException {
    Path folder = Objects.requireNonNull(from.getParent());
    if (!folder.equals(to.getParent())) {
      throw new UnsupportedOperationException(from + " to another folder: not noted");
    }
    Node node = node(from);
    Node replaced = node(to);
    step(named(from) + " renamed to " + name(to));
    if (replaced != null) {
      keep(replaced);
    }
    move.run();
    if (node instanceof FileNode file) {
      file.at = to;
    }
    Map<String, @Nullable Node> names = new HashMap<>();
    names.put(name(from), null);
    names.put(name(to), node);
    folder(folder).change(names);
  }

  /** What a name is changed. */
  @FunctionalInterface
  interface IoAction {
    void run() throws IOException;
  }

  /** A file whose last name goes may come back. */
  private void keep(Node node) throws IOException {
    if (node instanceof FileNode file) {
      Path kept = deleted.resolve(Integer.toString(deletions++));
      Files.createLink(kept, file.at);
      file.at = kept;
    }
  }

  /** A file that is open. */
  private final class NotedFile implements NotedChannel.Noted {
    private final Path path;
    private final FileNode file;

    NotedFile(Path path, FileNode file) {
      this.path = path;
      this.file = file;
    }

    @Override
    public int write(long offset, int length, FileChannel below, NotedChannel.Write write)
        throws IOException {
      synchronized (CrashDisk.this) {
        step(named(path) + " written");
        long size = below.size();
        if (offset + length > size) {
          file.contents.lengthWas(size);
        }
        return file.contents.change(offset, length, now(below), write::run);
      }
    }

    @Override
    public void truncate(FileChannel below, long size) throws IOException {
      synchronized (CrashDisk.this) {
        long before = below.size();
        if (size < before) {
          step(named(path) + " truncated");
          file.contents.lengthWas(before);
          var _ = file.contents.change(size, before - size, now(below), () -> below.truncate(size));
        }
      }
    }

    @Override
    public void sync() throws IOException {
      synchronized (CrashDisk.this) {
        step(named(path) + " synced");
        effect(path, file.contents::synced);
      }
    }

    private static UnsyncedContents.Sectors now(FileChannel channel) {
      return sector -> {
        ByteBuffer data = ByteBuffer.allocate(512);
        while (data.hasRemaining() && channel.read(data, sector * 512 + data.position()) > 0) {
          // until it is full, or the file ends
        }
        return data.array();
      };
    }
  }

  /** A folder that is open. */
  private final class NotedFolder implements NotedChannel.Noted {
    private final Path path;

    NotedFolder(Path path) {
      this.path = path;
    }

    @Override
    public int write(long offset, int length, FileChannel below, NotedChannel.Write write) {
      throw new UnsupportedOperationException(path + " is a folder");
    }

    @Override
    public void truncate(FileChannel below, long size) {
      throw new UnsupportedOperationException(path + " is a folder");
    }

    @Override
    public void sync() throws IOException {
      synchronized (CrashDisk.this) {
        step(named(path) + "/ synced");
        Folder folder = folder(path);
        int changes = folder.log.size();
        effect(path, () -> folder.synced(changes));
      }
    }
  }
}
