// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.nio.ByteBuffer;
import org.anabranch.server.base.ClientGoneException;

/** Gathers the parts of a stream, so that small ones are not sent one by one. One thread. */
public final class StreamOutput implements DeltaWriter.Output {
  private static final int GATHERED = 1 << 18;

  private final Sink sink;
  private final ByteBuffer gathered = ByteBuffer.allocateDirect(GATHERED);

  /** Gets a stream in parts. */
  public interface Sink {
    /** Takes the next part, from its position to its limit. */
    void take(ByteBuffer part) throws ClientGoneException;
  }

  StreamOutput(Sink sink) {
    this.sink = sink;
  }

  @Override
  public void append(ByteBuffer part) throws ClientGoneException {
    if (part.remaining() > gathered.remaining()) {
      flush();
    }
    if (part.remaining() > gathered.capacity()) {
      sink.take(part);
    } else {
      gathered.put(part);
    }
  }

  /** Passes on what is gathered. */
  void flush() throws ClientGoneException {
    gathered.flip();
    if (gathered.hasRemaining()) {
      sink.take(gathered);
    }
    gathered.clear();
  }
}
