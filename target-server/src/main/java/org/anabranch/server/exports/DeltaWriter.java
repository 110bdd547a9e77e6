// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;

/** Writes a file of changed extents ({@link DeltaFormat}), in ascending order. One thread. */
final class DeltaWriter {
  /** Where it is written, one part behind the other. */
  interface Output {
    /** Appends a part, from its position to its limit. */
    void append(ByteBuffer part) throws IOException, RefusedException, ClientGoneException;
  }

  private final Output out;
  private final DeltaFormat.Place place;
  private long records;
  private long covered;

  /** Zeros that are not written yet, so that they become one record. */
  private long zeroFrom;

  private long zeroLength;

  /**
   * @param header is written at once
   * @param place of the records
   */
  DeltaWriter(Output out, ByteBuffer header, DeltaFormat.Place place)
      throws IOException, RefusedException, ClientGoneException {
    this.out = out;
    this.place = place;
    out.append(header);
  }

  /** Where an output to a file stands. */
  private static final class Appended {
    private long at;
  }

  /** Appends to a file from its beginning. */
  static Output to(FileChannel file) {
    Appended appended = new Appended();
    return part -> {
      int length = part.remaining();
      TargetFile.write(file, part, appended.at);
      appended.at += length;
    };
  }

  /** Bytes of the image that the records so far cover. */
  long covered() {
    return covered;
  }

  /** Adds what an extent reads as, at most {@link DeltaFormat#MAX_DATA} bytes. */
  void add(long offset, ByteBuffer data) throws RefusedException, ClientGoneException {
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
      append(new DeltaFormat.Piece(DeltaFormat.DATA, offset, length), all);
      out.append(all);
      records++;
    } catch (IOException e) {
      throw new RefusedException("the export cannot be written: " + e.getMessage(), e);
    }
  }

  private void flushZeros() throws IOException, RefusedException, ClientGoneException {
    if (zeroLength > 0) {
      append(new DeltaFormat.Piece(DeltaFormat.ZERO, zeroFrom, zeroLength), DeltaFormat.NOTHING);
      records++;
      zeroLength = 0;
    }
  }

  /** Writes the end. */
  void end() throws IOException, RefusedException, ClientGoneException {
    flushZeros();
    append(new DeltaFormat.Piece(DeltaFormat.END, records, covered), DeltaFormat.NOTHING);
  }

  private void append(DeltaFormat.Piece piece, ByteBuffer data)
      throws IOException, RefusedException, ClientGoneException {
    out.append(piece.write(place.of(records), data));
  }
}
