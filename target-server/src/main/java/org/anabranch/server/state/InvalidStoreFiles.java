// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
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

  private final Path stateFolder;
  private final ThreadFactory threads;
  private final Path folder;

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
    this.stateFolder = stateFolder;
    this.folder = stateFolder.resolve("invalid");
  }

  /** A name may be longer than a file's, and hold anything. */
  private Path file(String store) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      byte[] digest = sha256.digest(store.getBytes(StandardCharsets.UTF_8));
      return folder.resolve(HexFormat.of().formatHex(digest));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every JDK has it
    }
  }

  /** On a thread of its own; there is one for each store that fails, once. */
  @Override
  public CompletionStage<@Nullable Void> add(BlockDevice cow) {
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    boolean started =
        ThreadStart.of(
            threads,
            () -> {
              try {
                write(cow);
                done.complete(null);
              } catch (IOException | RuntimeException e) {
                done.completeExceptionally(e);
              }
            });
    if (!started) {
      done.completeExceptionally(new IOException(cow.name() + ": " + ThreadStart.REMEDY));
    }
    return done;
  }

  private void write(BlockDevice cow) throws IOException {
    PrivateFolder.make(folder);
    DurableFile.syncFolder(stateFolder);
    new DurableFile(file(cow.name())).write(cow.name() + "\n");
    LOG.warn("store {}: that it is invalid is kept in {}", cow.name(), folder);
  }

  @Override
  public boolean contains(BlockDevice cow) {
    boolean kept = Files.exists(file(cow.name()));
    if (kept) {
      LOG.warn("store {}: invalid according to {}", cow.name(), file(cow.name()));
    }
    return kept;
  }

  /** The store is about to be deleted: a later one of the same name is another store. */
  public void remove(String store) throws RefusedException {
    try {
      if (Files.deleteIfExists(file(store))) {
        DurableFile.syncFolder(folder);
      }
    } catch (IOException e) {
      throw new RefusedException(
          file(store) + " cannot be deleted: " + StateDirectory.reason(e), e);
    }
  }
}
