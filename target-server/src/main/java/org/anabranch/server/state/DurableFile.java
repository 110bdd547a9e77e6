// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;

/**
 * A small text file that is replaced as a whole: after a crash at any moment it has either the old
 * text or the new one. The new text is written to {@code NAME.new} and synced; that file is
 * renamed, and the folder is synced. Only its owner may read it. One thread at a time.
 *
 * <p>{@link #keepRoom} allocates {@code NAME.new} in advance, full of zeros. Then the text can be
 * replaced on a full disk, where that may be what frees space.
 */
public final class DurableFile {
  private static final int GROWTH = 4096;

  private final Path path;
  private final Path draft;
  private final DurableSteps steps;

  /**
   * @param path in a folder that exists
   */
  public DurableFile(Path path) {
    this(path, DurableSteps.UNWATCHED);
  }

  /**
   * @param steps is notified of each step of {@link #write}
   */
  public DurableFile(Path path, DurableSteps steps) {
    this.steps = steps;
    this.path = path;
    this.draft = path.resolveSibling(path.getFileName() + ".new");
  }

  public Path path() {
    return path;
  }

  public boolean exists() {
    return Files.exists(path);
  }

  /** The text; at most {@code maxBytes} of UTF-8. */
  public String read(int maxBytes) throws IOException {
    if (Files.size(path) > maxBytes) {
      throw new IOException(path + " is larger than " + maxBytes + " bytes");
    }
    return Files.readString(path);
  }

  /** Deletes what a crash in the middle of a {@link #write} may have left. */
  void forgetDraft() throws IOException {
    Files.deleteIfExists(draft);
  }

  /**
   * Keeps room for the next {@link #write}, of a text that is at most {@value #GROWTH} bytes longer
   * than the present one.
   *
   * @throws IOException when there is none; the next write will look for it again
   */
  public void keepRoom() throws IOException {
    long bytes = GROWTH + (exists() ? Files.size(path) : 0);
    Files.deleteIfExists(draft);
    try (FileChannel channel = openDraft()) {
      for (long at = 0; at < bytes; at += GROWTH) {
        writeFully(channel, ByteBuffer.allocate(GROWTH));
      }
    } catch (IOException e) {
      Files.deleteIfExists(draft); // half of it helps nobody
      throw e;
    }
  }

  /** Replaces the text. When this returns, it is durable. */
  public void write(String text) throws IOException {
    try (FileChannel channel = openDraft()) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      writeFully(channel, ByteBuffer.wrap(bytes));
      channel.truncate(bytes.length);
      steps.taken(draft.getFileName() + " written");
      sync(channel, draft, steps);
    }
    Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    steps.taken(path.getFileName() + " replaced");
    syncFolder(Objects.requireNonNull(path.toAbsolutePath().getParent()), steps);
  }

  private FileChannel openDraft() throws IOException {
    return FileChannel.open(
        draft,
        Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Makes the names in a folder durable: files made, renamed and deleted. */
  public static void syncFolder(Path folder) throws IOException {
    syncFolder(folder, DurableSteps.UNWATCHED);
  }

  /** The same, watched. */
  public static void syncFolder(Path folder, DurableSteps steps) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      sync(channel, folder, steps);
    }
  }

  /** Makes what is at {@code path} durable. */
  public static void sync(FileChannel channel, Path path, DurableSteps steps) throws IOException {
    channel.force(true);
    steps.taken(path.getFileName() + " synced");
  }
}
