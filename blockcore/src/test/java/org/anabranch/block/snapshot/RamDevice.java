// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/**
 * A device in memory that does everything inside {@code submit}, keeps a log, and can be told to
 * hold requests back or to fail them.
 */
public final class RamDevice implements BlockDevice {
  private final String name;
  private Limits limits = Limits.DEFAULT;
  private byte[] bytes;

  /** What came, such as {@code WRITE FUA 8+8}. */
  public final List<String> log = new ArrayList<>();

  /** Gives an error for a request, or null. */
  public Function<Io, @Nullable IoError> fault = io -> null;

  /** Sectors that no storage backs, as told; what is written to does not change that. */
  public Predicate<Long> hole = sector -> false;

  /** Requests that match are put into {@link #held}. */
  public Function<Io, Boolean> hold = io -> false;

  public final List<Io> held = new ArrayList<>();

  public RamDevice(String name, long sectors) {
    this(name, new byte[(int) sectors * 512]);
  }

  public RamDevice(String name, byte[] content) {
    this.name = name;
    this.bytes = content;
  }

  public RamDevice limits(Limits newLimits) {
    limits = newLimits;
    return this;
  }

  /** Each 16 bytes of sector n are {@code TAG:%013d\n}. */
  public RamDevice pattern(char tag) {
    for (int sector = 0; sector < sectors(); sector++) {
      pattern(tag, sector).get(0, bytes, sector * 512, 512);
    }
    return this;
  }

  /** A sector of the pattern. */
  public static ByteBuffer pattern(char tag, long sector) {
    byte[] line =
        "%c:%013d\n".formatted(tag, sector).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    ByteBuffer data = ByteBuffer.allocateDirect(512);
    for (int i = 0; i < 32; i++) {
      data.put(line);
    }
    return data.flip();
  }

  public byte[] bytes() {
    return bytes;
  }

  public void grow(long sectors) {
    bytes = Arrays.copyOf(bytes, (int) sectors * 512);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long sectors() {
    return bytes.length / 512;
  }

  @Override
  public Limits limits() {
    return limits;
  }

  @Override
  public void submit(Io io) {
    log.add(io.toString());
    if (hold.apply(io)) {
      held.add(io);
    } else {
      serve(io);
    }
  }

  /** Lets what was held go on. */
  public void release() {
    List<Io> free = List.copyOf(held);
    held.clear();
    free.forEach(this::serve);
  }

  public void serve(Io io) {
    IoError error = io.end() > sectors() ? IoError.outOfRange(io, sectors()) : fault.apply(io);
    if (error == null) {
      int at = (int) io.sector() * 512;
      int length = (int) io.sectors() * 512;
      switch (io.op()) {
        case READ -> io.data().put(io.data().position(), bytes, at, length);
        case WRITE -> io.data().get(io.data().position(), bytes, at, length);
        case DISCARD, WRITE_ZEROES -> Arrays.fill(bytes, at, at + length, (byte) 0);
        case BLOCK_STATUS -> status(io);
        case FLUSH -> {}
      }
    }
    io.complete(error);
  }

  private void status(Io io) {
    boolean isHole = hole.test(io.sector());
    long end = io.sector() + 1;
    while (end < io.end() && hole.test(end) == isHole) {
      end++;
    }
    io.answer(!isHole, end - io.sector());
  }
}
