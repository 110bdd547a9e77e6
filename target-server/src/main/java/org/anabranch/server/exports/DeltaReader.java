// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.function.LongConsumer;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.exports.DeltaFormat.DamagedException;
import org.anabranch.server.exports.DeltaFormat.Piece;

/**
 * Reads the records of a file of changed extents, and checks each before it passes it on: its
 * checksum, its place behind the one before, and in the end that all came. One thread.
 */
public final class DeltaReader {
  /** Receives each record that is as it was written. */
  public interface Sink {
    /**
     * Takes a record.
     *
     * @param data of a record that has some; valid until this returns
     */
    void take(Piece record, ByteBuffer data) throws IOException, RefusedException;
  }

  private final ReadableByteChannel in;
  private final long bytes;
  private final DeltaFormat.Place place;

  /**
   * @param in behind the header
   * @param bytes of the image that the records are for
   * @param place of the records
   */
  public DeltaReader(ReadableByteChannel in, long bytes, DeltaFormat.Place place) {
    this.in = in;
    this.bytes = bytes;
    this.place = place;
  }

  /**
   * Reads to the end.
   *
   * @param progress receives how many bytes were read
   * @throws DamagedException says what is wrong; what the sink got before is right
   */
  public void read(LongConsumer progress, Sink sink) throws IOException, RefusedException {
    ByteBuffer head = DeltaFormat.buffer(DeltaFormat.RECORD_BYTES);
    ByteBuffer data = DeltaFormat.NOTHING;
    long records = 0;
    long covered = 0;
    long behind = 0;
    long read = 0;
    while (true) {
      String what = "record " + records;
      DeltaFormat.fill(in, head.clear(), what);
      Piece record = Piece.read(head);
      boolean hasData = record.kind() == DeltaFormat.DATA;
      if (hasData && (record.length() < 512 || record.length() > DeltaFormat.MAX_DATA)) {
        throw new DamagedException(what + " is damaged: " + record.length() + " bytes of data");
      }
      int length = hasData ? (int) record.length() : 0;
      if (length > data.capacity()) {
        data = ByteBuffer.allocateDirect(length);
      }
      DeltaFormat.fill(in, data.clear().limit(length), what);
      if (!DeltaFormat.intact(place.of(records), head, data)) {
        throw new DamagedException(what + " is damaged: its checksum is wrong");
      }
      if (record.kind() == DeltaFormat.END) {
        checkEnd(record, records, covered);
        return;
      }
      checkPlace(record, what, behind);
      sink.take(record, data);
      behind = record.offset() + record.length();
      covered += record.length();
      records++;
      read += DeltaFormat.RECORD_BYTES + data.limit();
      progress.accept(read);
    }
  }

  private void checkPlace(Piece record, String what, long behind) throws DamagedException {
    if (record.kind() != DeltaFormat.DATA && record.kind() != DeltaFormat.ZERO) {
      throw new DamagedException(what + " is of a kind that is not known: " + record.kind());
    }
    if (record.length() < 512
        || ((record.offset() | record.length()) & 511) != 0
        || record.offset() < behind
        || record.length() > bytes - record.offset()) {
      throw new DamagedException(
          what
              + " makes no sense: "
              + record.length()
              + " bytes at "
              + record.offset()
              + ", behind "
              + behind
              + " of "
              + bytes);
    }
  }

  private void checkEnd(Piece end, long records, long covered) throws IOException {
    if (end.offset() != records || end.length() != covered) {
      throw new DamagedException(
          records
              + " records over "
              + covered
              + " bytes came, "
              + end.offset()
              + " over "
              + end.length()
              + " were written");
    }
    if (in.read(ByteBuffer.allocate(1)) >= 0) {
      throw new DamagedException("something follows its end");
    }
  }
}
