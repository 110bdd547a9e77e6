// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.StreamHeader;

/** A stream that was received whole, and makes a volume. For the start. */
public final class StreamOfNewVolume {
  private final ReceivedStream stream;

  private StreamOfNewVolume(ReceivedStream stream) {
    this.stream = stream;
  }

  /**
   * Those that are left; what was not received to its end is deleted.
   *
   * @param state the state directory
   */
  public static List<StreamOfNewVolume> left(Path state) throws RefusedException {
    ReceivedStream.deleteParts(state);
    return ReceivedStream.left(state).stream()
        .filter(ReceivedStream::makesVolume)
        .map(StreamOfNewVolume::new)
        .toList();
  }

  /** The volume's name. */
  public String volume() {
    return stream.volume();
  }

  /**
   * The disk that the volume is to be.
   *
   * @param bytes its size
   * @param blockSize bytes
   */
  public record Disk(long bytes, int blockSize) {}

  /** What its header says. */
  public Disk disk() throws IOException, RefusedException {
    StreamHeader[] header = new StreamHeader[1];
    stream.read(in -> header[0] = StreamHeader.read(in));
    return new Disk(header[0].bytes(), header[0].facts().blockSize());
  }

  /** Nothing is to come of it. */
  public void delete() throws IOException {
    IOException failure = stream.delete();
    if (failure != null) {
      throw failure;
    }
  }
}
