// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.stores;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.FileLengths;
import org.anabranch.server.state.PrivateFolder;
import org.anabranch.server.state.StateDirectory;

/** The file that holds a snapshot's COW store. */
public final class StoreFile {
  /** Bytes of one record of the exception list. */
  private static final int RECORD = 16;

  /** Bytes of the header: magic, valid, version, chunk size. */
  static final int HEADER = 16;

  /** Where the header has the chunk size, in sectors. */
  private static final int CHUNK_SIZE = 12;

  /** A file system whose files cannot be this long, bytes, is not one for stores. */
  public static final long LEAST_LONGEST = 64 << 20;

  private StoreFile() {}

  /**
   * How long a store must be so that it never fills: every chunk of the volume, the records for
   * them, the header, and an area to spare. As the file is sparse it takes no more space than what
   * has changed.
   *
   * @param sectors the volume's length
   * @return bytes
   */
  public static long sufficient(long sectors, int chunkSectors) {
    long chunkBytes = chunkSectors * 512L;
    long chunks = Math.ceilDiv(sectors, chunkSectors);
    long areas = Math.ceilDiv(chunks, chunkBytes / RECORD) + 1;
    return Math.multiplyExact(1 + areas + chunks, chunkBytes);
  }

  /** All files in the folder, in no order. */
  public static List<Path> in(Path folder) throws RefusedException {
    if (!Files.exists(folder)) {
      return new ArrayList<>();
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      List<Path> all = new ArrayList<>();
      files.forEach(all::add);
      return all;
    } catch (DirectoryIteratorException e) {
      IOException cause = Objects.requireNonNull(e.getCause());
      throw new RefusedException(folder + ": " + StateDirectory.reason(cause), e);
    } catch (IOException e) {
      throw new RefusedException(folder + ": " + StateDirectory.reason(e), e);
    }
  }

  /** Nothing that is there already is taken for a new store, nor deleted as one. */
  public static void refuseIfThere(Path path) throws RefusedException {
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new RefusedException(
          path
              + " exists and belongs to no snapshot: move it away, delete it, or name another"
              + " snapshot");
    }
  }

  /**
   * Refuses a file that is not the store of a snapshot that was taken. A new store has a header
   * before the snapshot is ready: one that reads as zeros is not new, but was emptied, and what it
   * held is lost. One with other chunks is the store of another snapshot. One with chunks of the
   * same size cannot be told from it: the format, which is Linux's, has nothing else that says
   * whose a store is.
   */
  public static void refuseUnlessStore(Path path, int chunkSectors) throws RefusedException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
      while (header.hasRemaining() && channel.read(header) >= 0) {
        // until it is there, or the file ends
      }
      refuseUnlessHeader(path.toString(), header.flip(), chunkSectors);
    } catch (IOException e) {
      throw new RefusedException(StateDirectory.reason(e), e);
    }
  }

  /** The same of what a store begins with. */
  static void refuseUnlessHeader(String store, ByteBuffer begin, int chunkSectors)
      throws RefusedException {
    ByteBuffer header = begin.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    if (header.remaining() < HEADER) {
      throw new RefusedException(store + " is empty: it was cut from outside");
    }
    if (header.getInt(0) == 0) {
      throw new RefusedException(store + " has no header any more: it reads as zeros");
    }
    int found = header.getInt(CHUNK_SIZE);
    if (found != chunkSectors) {
      throw new RefusedException(
          store
              + " is the store of another snapshot: it has chunks of "
              + found
              + " sectors, not of "
              + chunkSectors);
    }
  }

  /**
   * Makes the file, sparse and empty, readable by its owner only, and as long as the file system
   * can have it: a store need not be as long as it could ever need to be. Durable afterwards.
   *
   * @param wanted bytes
   * @param least bytes; refused if no file can have that length
   * @return bytes that it has
   */
  public static long make(Path path, long wanted, long least, DurableSteps steps)
      throws RefusedException {
    return make(path, wanted, least, file -> {}, steps);
  }

  /** What a new store has in it. */
  @FunctionalInterface
  public interface Contents {
    /** Writes it to a file that reads as zeros. */
    void write(FileChannel file) throws IOException, RefusedException;
  }

  /** The same, with contents, which are durable as well. */
  public static long make(Path path, long wanted, long least, Contents contents, DurableSteps steps)
      throws RefusedException {
    try {
      Path folder = Objects.requireNonNull(path.getParent());
      PrivateFolder.make(folder);
      long bytes;
      try (FileChannel channel =
          FileChannel.open(
              path,
              Set.of(
                  StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
        bytes = FileLengths.extend(channel, path, wanted, least);
        contents.write(channel);
        steps.taken("store written");
        DurableFile.sync(channel, path, steps);
      }
      DurableFile.syncFolder(folder, steps);
      return bytes;
    } catch (IOException e) {
      throw new RefusedException(
          "store " + path + " cannot be made: " + StateDirectory.reason(e), e);
    }
  }

  /** Deletes the file if it is there, durably. */
  public static void delete(Path path, DurableSteps steps) throws RefusedException {
    try {
      if (Files.deleteIfExists(path)) {
        steps.taken("store deleted");
        DurableFile.syncFolder(Objects.requireNonNull(path.getParent()), steps);
      }
    } catch (IOException e) {
      throw new RefusedException(
          "store " + path + " cannot be deleted: " + StateDirectory.reason(e), e);
    }
  }
}
