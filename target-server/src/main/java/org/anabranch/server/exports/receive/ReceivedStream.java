// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A stream that is received for a volume, in a file of the state directory.
 *
 * <pre>
 *   received/VOLUME@NAME.part     is being received; a start deletes it
 *   received/VOLUME@NAME.stream   is whole, and every checksum is right: whatever happens, the
 *                                 volume becomes what it says, and snapshot NAME is taken
 *   received/VOLUME@NAME.new      the same, and the volume is made first if there is none
 * </pre>
 *
 * The second name is given when the first file is durable, and it is what decides: before it the
 * volume is as it was, behind it the volume is as the stream says. To apply a stream again that was
 * applied in part makes the same of the volume.
 */
final class ReceivedStream {
  private static final Logger LOG = LoggerFactory.getLogger(ReceivedStream.class);
  private static final String FOLDER = "received";
  private static final String PART = ".part";
  private static final String WHOLE = ".stream";
  private static final String NEW = ".new";
  private static final int BUFFER = 1 << 18;

  private final String volume;
  private final String name;
  private final boolean makesVolume;
  private final Path part;
  private final Path whole;

  private ReceivedStream(Path folder, String volume, String name, boolean makesVolume) {
    this.volume = volume;
    this.name = name;
    this.makesVolume = makesVolume;
    this.part = folder.resolve(volume + "@" + name + PART);
    this.whole = folder.resolve(volume + "@" + name + (makesVolume ? NEW : WHOLE));
  }

  /**
   * One that is to be received.
   *
   * @param state the state directory
   * @param makesVolume whether there is no such volume
   */
  static ReceivedStream of(Path state, String volume, String name, boolean makesVolume) {
    return new ReceivedStream(state.resolve(FOLDER), volume, name, makesVolume);
  }

  /** Deletes what was not received to its end. Nothing is being received. */
  static void deleteParts(Path state) throws RefusedException {
    Path folder = state.resolve(FOLDER);
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(each -> each.toString().endsWith(PART)).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new RefusedException(folder + ": " + StateDirectory.reason(e), e);
    }
  }

  /** Those that are whole and were not applied to the end. */
  static List<ReceivedStream> left(Path state) throws RefusedException {
    Path folder = state.resolve(FOLDER);
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<ReceivedStream> left = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        String text = String.valueOf(file.getFileName());
        int at = text.indexOf('@');
        boolean makesVolume = text.endsWith(NEW);
        if (at > 0 && (makesVolume || text.endsWith(WHOLE))) {
          left.add(
              new ReceivedStream(
                  folder,
                  text.substring(0, at),
                  text.substring(at + 1, text.lastIndexOf('.')),
                  makesVolume));
        }
      }
      return left;
    } catch (IOException e) {
      throw new RefusedException(folder + ": " + StateDirectory.reason(e), e);
    }
  }

  String volume() {
    return volume;
  }

  /** Where it is once it is whole. */
  Path file() {
    return whole;
  }

  /** How long it is. */
  long bytes() throws IOException {
    return Files.size(whole);
  }

  /** The snapshot's name. */
  String name() {
    return name;
  }

  /** Whether the volume is made for it. */
  boolean makesVolume() {
    return makesVolume;
  }

  /** Reads a stream to its end. */
  interface Reader {
    void read(ReadableByteChannel in) throws IOException, RefusedException;
  }

  /**
   * Writes what the reader reads of a source into the file, and makes it durable.
   *
   * @param header that was read of the source before
   */
  void receive(ByteBuffer header, ReadableByteChannel source, Reader reader)
      throws IOException, RefusedException {
    Path folder = part.resolveSibling("");
    if (!Files.isDirectory(folder)) {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      DurableFile.syncFolder(folder.toAbsolutePath().resolve("..").normalize());
    }
    try (FileChannel file =
            FileChannel.open(
                part,
                Set.of(
                    StandardOpenOption.WRITE,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING),
                PosixFilePermissions.asFileAttribute(
                    PosixFilePermissions.fromString("rw-------")));
        OutputStream out = new BufferedOutputStream(Channels.newOutputStream(file), BUFFER)) {
      byte[] bytes = new byte[header.remaining()];
      header.duplicate().get(bytes);
      out.write(bytes);
      reader.read(new Copying(source, out));
      out.flush();
      file.force(true);
    }
  }

  /** Reads a channel, and copies what was read. */
  private static final class Copying implements ReadableByteChannel {
    private final ReadableByteChannel in;
    private final OutputStream copy;

    Copying(ReadableByteChannel in, OutputStream copy) {
      this.in = in;
      this.copy = copy;
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      int from = into.position();
      int count = in.read(into);
      if (count > 0) {
        byte[] bytes = new byte[count];
        into.slice(from, count).get(bytes);
        try {
          copy.write(bytes);
        } catch (IOException e) {
          throw new NoRoomException(e);
        }
      }
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  /** The file cannot be written. */
  static final class NoRoomException extends IOException {
    private static final long serialVersionUID = 1L;

    NoRoomException(IOException cause) {
      super("the stream cannot be kept in the state directory: " + cause.getMessage(), cause);
    }
  }

  /** From here on the volume becomes what the stream says. */
  void decide() throws IOException {
    Files.move(part, whole, StandardCopyOption.ATOMIC_MOVE);
    try {
      DurableFile.syncFolder(whole.resolveSibling(""));
    } catch (IOException e) {
      IOException failure = delete();
      if (failure != null) {
        e.addSuppressed(failure);
      }
      throw e;
    }
  }

  /** Deletes what was received, unless it was decided. */
  @Nullable IOException deletePart() {
    try {
      Files.deleteIfExists(part);
      return null;
    } catch (IOException e) {
      return e;
    }
  }

  /** Reads the whole stream. */
  void read(Reader reader) throws IOException, RefusedException {
    try (ReadableByteChannel in =
        Channels.newChannel(new BufferedInputStream(Files.newInputStream(whole), BUFFER))) {
      reader.read(in);
    }
  }

  /** Nothing came of it, or all of it is done. */
  @Nullable IOException delete() {
    try {
      Files.deleteIfExists(part);
      if (Files.deleteIfExists(whole)) {
        DurableFile.syncFolder(whole.resolveSibling(""));
      }
      return null;
    } catch (IOException e) {
      return e;
    }
  }

  /** Logs that a file could not be deleted; null: nothing failed. */
  static void log(@Nullable IOException failure, String what, String volume) {
    if (failure != null) {
      LOG.error("volume {}: {}: {}", volume, what, failure.toString());
    }
  }
}
