// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A logical unit that is a disk, as a host sees it. Futures complete on the session's event loop,
 * and fail with a {@link ScsiException} if the command does not end with status GOOD. A unit
 * attention does not fail them: the command was not executed, so it is sent again, as hosts do, and
 * the session's listener is called.
 *
 * @param lun logical unit number, 0 to 16383
 * @param blocks capacity
 * @param blockSize bytes
 * @param physicalBlockSize bytes
 * @param thin whether UNMAP is supported (LBPME)
 * @param product vendor, product and revision from INQUIRY
 */
public record Disk(
    Session session,
    int lun,
    long blocks,
    int blockSize,
    int physicalBlockSize,
    boolean thin,
    String product) {
  /** After so many consecutive unit attentions, the command fails. */
  private static final int MAX_UNIT_ATTENTIONS = 8;

  /** Opens the disk at a LUN: reads its capacity and INQUIRY data. */
  public static CompletableFuture<Disk> open(Session session, int lun) {
    Disk unknown = new Disk(session, lun, 0, 512, 512, false, "");
    return unknown
        .in(Cdb.testUnitReady(), 0)
        .thenCompose(ready -> unknown.inquiry())
        .thenCompose(unknown::withCapacity);
  }

  /** The numbers of all logical units that the target reports to us. */
  public static CompletableFuture<List<Integer>> reportLuns(Session session) {
    Disk wellKnown = new Disk(session, 0, 0, 512, 512, false, "");
    return wellKnown
        .in(Cdb.reportLuns(8 + 8 * 1024), 8 + 8 * 1024)
        .thenApply(data -> {
          int end = Math.min(data.remaining(), 8 + data.getInt(0));
          List<Integer> numbers = new ArrayList<>();
          for (int at = 8; at + 8 <= end; at += 8) {
            numbers.add(data.getShort(at) & 0x3fff);
          }
          return numbers;
        });
  }

  private CompletableFuture<Disk> withCapacity(ByteBuffer inquiry) {
    byte[] text = new byte[Math.clamp(inquiry.remaining() - 8, 0, 28)];
    inquiry.get(inquiry.position() + 8, text);
    String padded = new String(text, StandardCharsets.US_ASCII);
    int vendor = Math.min(8, padded.length()); // which may fill its field
    String found =
        (padded.substring(0, vendor) + " " + padded.substring(vendor))
            .replaceAll(" +", " ")
            .strip();
    return in(Cdb.readCapacity16(), 32)
        .thenApply(data ->
            new Disk(
                session,
                lun,
                data.getLong(0) + 1,
                data.getInt(8),
                data.getInt(8) << (data.get(13) & 0xf),
                (data.get(14) & 0x80) != 0,
                found))
        .exceptionallyCompose(noSixteen ->
            in(Cdb.readCapacity10(), 8)
                .thenApply(data ->
                    new Disk(
                        session,
                        lun,
                        (data.getInt(0) & 0xffff_ffffL) + 1,
                        data.getInt(4),
                        data.getInt(4),
                        false,
                        found)));
  }

  /** Capacity in bytes. */
  public long bytes() {
    return blocks * blockSize;
  }

  /** The LUN field. */
  public long lunField() {
    return Command.flatLun(lun);
  }

  /** Standard INQUIRY data. */
  public CompletableFuture<ByteBuffer> inquiry() {
    return in(Cdb.inquiry(96), 96);
  }

  /** A vital product data page. */
  public CompletableFuture<ByteBuffer> inquiry(int page) {
    return in(Cdb.inquiryPage(page, 255), 255);
  }

  /** Reads blocks into a new buffer. */
  public CompletableFuture<ByteBuffer> read(long lba, int count) {
    return read(lba, ByteBuffer.allocate(count * blockSize));
  }

  /** Reads into {@code data}, position to limit, which is a multiple of the block size. */
  public CompletableFuture<ByteBuffer> read(long lba, ByteBuffer data) {
    return whole(Command.in(lunField(), Cdb.read(lba, blocksOf(data)), data), data.remaining());
  }

  /** Writes {@code data}, position to limit, which is a multiple of the block size. */
  public CompletableFuture<ByteBuffer> write(long lba, ByteBuffer data) {
    return out(Cdb.write(lba, blocksOf(data), false), data);
  }

  /** Writes with FUA: the data is durable on completion. */
  public CompletableFuture<ByteBuffer> writeThrough(long lba, ByteBuffer data) {
    return out(Cdb.write(lba, blocksOf(data), true), data);
  }

  /** Fails with MISCOMPARE if the medium has other data. */
  public CompletableFuture<ByteBuffer> verify(long lba, ByteBuffer data) {
    return out(Cdb.verify(lba, blocksOf(data)), data);
  }

  /** Makes all completed writes durable. */
  public CompletableFuture<ByteBuffer> flush() {
    return in(Cdb.synchronizeCache(), 0);
  }

  /** Releases the storage of blocks. */
  public CompletableFuture<ByteBuffer> unmap(long lba, int count) {
    ByteBuffer list = Cdb.unmapList(lba, count);
    return out(Cdb.unmap(list.remaining()), list);
  }

  private int blocksOf(ByteBuffer data) {
    if (data.remaining() % blockSize != 0) {
      throw new IllegalArgumentException(data.remaining() + " bytes are not whole blocks");
    }
    return data.remaining() / blockSize;
  }

  /** Sends any command that receives at most {@code expected} bytes; completes with the data. */
  public CompletableFuture<ByteBuffer> in(byte[] cdb, int expected) {
    return run(
        expected == 0 ? Command.of(lunField(), cdb) : Command.in(lunField(), cdb, expected),
        MAX_UNIT_ATTENTIONS);
  }

  /** Sends any command with {@code data}. */
  public CompletableFuture<ByteBuffer> out(byte[] cdb, ByteBuffer data) {
    return run(Command.out(lunField(), cdb, data), MAX_UNIT_ATTENTIONS);
  }

  /** A read with status GOOD but too few bytes fails. */
  private CompletableFuture<ByteBuffer> whole(Command command, int length) {
    return run(command, MAX_UNIT_ATTENTIONS)
        .thenCompose(data ->
            data.remaining() == length
                ? CompletableFuture.completedFuture(data)
                : CompletableFuture.failedFuture(
                    new IscsiException(data.remaining() + " bytes read instead of " + length)));
  }

  private CompletableFuture<ByteBuffer> run(Command command, int attentions) {
    return session
        .submit(command)
        .thenCompose(response -> {
          if (response.isGood()) {
            return CompletableFuture.completedFuture(response.data());
          }
          Sense sense = response.sense();
          if (attentions > 0 && sense != null && sense.key() == Sense.UNIT_ATTENTION) {
            return run(command, attentions - 1);
          }
          return CompletableFuture.failedFuture(new ScsiException(response));
        });
  }

  @Override
  public String toString() {
    return product + ", LUN " + lun + ", " + blocks + " blocks of " + blockSize + " bytes";
  }
}
