// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.anabranch.server.base.RefusedException;

/** Writes a file of changed extents ({@link DeltaFormat}), in ascending order. One thread. */
final class DeltaWriter {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final FileChannel out;
  private long at;
  private long records;
  private long covered;

  /** Zeros that are not written yet, so that they become one record. */
  private long zeroFrom;

  private long zeroLength;

  DeltaWriter(FileChannel out, DeltaFormat.Header header) throws IOException {
    this.out = out;
    append(header.write());
  }

  /** Bytes of the image that the records so far cover. */
  long covered() {
    return covered;
  }

  /** Adds what an extent reads as, at most {@link DeltaFormat#MAX_DATA} bytes. */
  void add(long offset, ByteBuffer data) throws RefusedException {
    try {
      int length = data.limit();
      covered += length;
      if (Zeros.at(data, 0, length)) {
        if (zeroLength > 0 && zeroFrom + zeroLength != offset) {
          flushZeros();
        }
        if (zeroLength == 0) {
          zeroFrom = offset;
        }
        zeroLength += length;
        return;
      }
      flushZeros();
      ByteBuffer all = data.slice(0, length);
      append(new DeltaFormat.Piece(DeltaFormat.DATA, offset, length).write(all));
      append(all);
      records++;
    } catch (IOException e) {
      throw new RefusedException("the export cannot be written: " + e.getMessage(), e);
    }
  }

  private void flushZeros() throws IOException {
    if (zeroLength > 0) {
      append(new DeltaFormat.Piece(DeltaFormat.ZERO, zeroFrom, zeroLength).write(NOTHING));
      records++;
      zeroLength = 0;
    }
  }

  /** Writes the end. */
  void end() throws IOException {
    flushZeros();
    append(new DeltaFormat.Piece(DeltaFormat.END, records, covered).write(NOTHING));
  }

  private void append(ByteBuffer bytes) throws IOException {
    int length = bytes.remaining();
    TargetFile.write(out, bytes, at);
    at += length;
  }
}
