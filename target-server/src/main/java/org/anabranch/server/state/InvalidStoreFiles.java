// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
import java.util.stream.Stream;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.ThreadStart;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records which stores are invalid when their own header cannot be written: {@code invalid/DIGEST}
 * in the state directory, one small file for each store, with the store's name as tables have it.
 * So the snapshot is invalid after a restart, too. Any thread.
 */
public final class InvalidStoreFiles implements InvalidStores {
  private static final Logger LOG = LoggerFactory.getLogger(InvalidStoreFiles.class);

  private final ThreadFactory threads;
  private final Path folder;
  private final StatePaths paths;

  /**
   * @param stateFolder of a server, which it owns
   */
  public InvalidStoreFiles(Path stateFolder) {
    this(stateFolder, Thread.ofVirtual().name("invalid store").factory());
  }

  /**
   * The same with other threads.
   *
   * @param threads each writes one file
   */
  InvalidStoreFiles(Path stateFolder, ThreadFactory threads) {
    this.threads = threads;
    this.folder = stateFolder.resolve("invalid");
    this.paths = new StatePaths(stateFolder);
  }

  private Path file(String store) {
    return folder.resolve(digest(paths.written(store)));
  }

  /** A name may be longer than a file's, and hold anything. */
  private static String digest(String store) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      byte[] digest = sha256.digest(store.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every JDK has it
    }
  }

  /** On a thread of its own; there is one for each store that fails, once. */
  @Override
  public CompletionStage<@Nullable Void> add(BlockDevice cow) {
    return ThreadStart.call(
        threads,
        cow.name(),
        () -> {
          write(cow);
          return null;
        });
  }

  /** On a thread of its own, since files are read. */
  @Override
  public CompletionStage<Boolean> contains(BlockDevice cow) {
    return ThreadStart.call(threads, cow.name(), () -> isKept(cow));
  }

  private void write(BlockDevice cow) throws IOException {
    PrivateFolder.make(folder);
    new DurableFile(file(cow.name())).write(paths.written(cow.name()) + "\n");
    LOG.warn("store {}: that it is invalid is kept in {}", cow.name(), folder);
  }

  private boolean isKept(BlockDevice cow) {
    boolean kept = Files.exists(file(cow.name())) || !older(cow.name()).isEmpty();
    if (kept) {
      LOG.warn("store {}: invalid according to {}", cow.name(), file(cow.name()));
    }
    return kept;
  }

  /**
   * The files of a store that earlier versions have made, which have its absolute path. In a folder
   * that was moved since then, the path of a store is another one, and its name is the same.
   */
  private List<Path> older(String store) {
    Path path = Path.of(store);
    if (!paths.written(store).equals("./cow/" + path.getFileName()) || !Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> isOf(file, path)).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(folder.toString(), e);
    }
  }

  private static boolean isOf(Path file, Path store) {
    try {
      Path kept = Path.of(Files.readString(file).strip());
      return kept.isAbsolute()
          && kept.endsWith(Path.of("cow", String.valueOf(store.getFileName())))
          && (kept.equals(store) || !Files.exists(kept));
    } catch (IOException | InvalidPathException e) {
      LOG.warn("{} cannot be read: {}", file, e.toString());
      return false;
    }
  }

  /** The store is about to be deleted: a later one of the same name is another store. */
  public void remove(String store) throws RefusedException {
    try {
      boolean deleted = Files.deleteIfExists(file(store));
      for (Path each : older(store)) {
        deleted |= Files.deleteIfExists(each);
      }
      if (deleted) {
        DurableFile.syncFolder(folder);
      }
    } catch (IOException e) {
      throw new RefusedException(
          file(store) + " cannot be deleted: " + StateDirectory.reason(e), e);
    }
  }
}
