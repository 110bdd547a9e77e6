// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import static org.anabranch.block.dm.Ended.done;
import static org.anabranch.block.dm.Ended.filled;
import static org.anabranch.block.dm.Ended.refusal;
import static org.anabranch.block.dm.Ended.value;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.anabranch.block.file.FileOpener;
import org.anabranch.block.targets.TargetTypes;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The simple target types: arguments, lines, and what they do to requests. */
final class TargetsTest {
  private static final long MS = 1_000_000;
  private static final long SECOND = 1_000 * MS;

  /** A clock that stands still until it is moved. */
  private static final class Clock implements Scheduler {
    private static final class Alarm implements Timer {
      final long time;
      final Runnable task;
      boolean cancelled;

      Alarm(long time, Runnable task) {
        this.time = time;
        this.task = task;
      }

      @Override
      public void cancel() {
        cancelled = true;
      }
    }

    final ArrayDeque<Alarm> alarms = new ArrayDeque<>();
    long now;

    @Override
    public long nanoTime() {
      return now;
    }

    @Override
    public void execute(Runnable task) {
      schedule(task, 0);
    }

    @Override
    public Timer schedule(Runnable task, long delayNanos) {
      Alarm alarm = new Alarm(now + delayNanos, task);
      alarms.add(alarm);
      return alarm;
    }

    void advance(long nanos) {
      now += nanos;
      List<Alarm> due = alarms.stream().filter(alarm -> alarm.time <= now).toList();
      alarms.removeAll(due);
      due.stream().filter(alarm -> !alarm.cancelled).forEach(alarm -> alarm.task.run());
    }
  }

  private final Clock clock = new Clock();
  private final DeviceMapper mapper =
      new DeviceMapper(clock, new FileOpener(), TargetTypes.standard());
  private final ManualDisk disk = new ManualDisk("d", 64);
  private final ManualDisk other = new ManualDisk("e", 64);

  @BeforeEach
  void devices() throws TableException {
    mapper.addVolume("d", disk);
    mapper.addVolume("e", other);
  }

  private static Ended read(MappedDevice device, long sector, ByteBuffer data) {
    Ended ended = new Ended();
    device.submit(Io.read(sector, data, ended));
    return ended;
  }

  private static Ended write(MappedDevice device, long sector, ByteBuffer data) {
    Ended ended = new Ended();
    device.submit(Io.write(sector, data, false, ended));
    return ended;
  }

  private static Ended flush(MappedDevice device) {
    Ended ended = new Ended();
    device.submit(Io.flush(ended));
    return ended;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0 8 linear d 3",
        "0 8 zero ",
        "0 8 error ",
        "0 8 error d 8",
        "0 8 delay d 0 5",
        "0 8 delay d 0 5 e 8 6",
        "0 8 delay d 0 5 e 8 6 d 3 7",
        "0 8 flakey d 8 0 1 1 error_writes",
        "0 8 flakey d 8 3 1 1 drop_writes",
        "0 8 flakey d 8 3 1 6 error_reads corrupt_bio_byte 32 w 255 0",
        "0 8 zero \n8 8 linear d 0"
      })
  void printsTheTableItRead(String table) throws TableException {
    value(mapper.create("t", table));

    assertThat(mapper.table("t")).isEqualTo(table);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "linear d | Invalid argument count: device and offset are wanted",
        "linear d x | Invalid device sector: x",
        "linear d -1 | Invalid device sector: -1",
        "linear d 57 | d too small for target: start=57, len=8, dev_size=64",
        "linear nosuch 0 | Device lookup failed: nosuch: No such file or directory",
        "zero 1 | No arguments required",
        "error d | Invalid argument count: nothing, or device and offset",
        "delay d 0 | Requires exactly 3, 6 or 9 arguments",
        "delay d 0 1 d 0 | Requires exactly 3, 6 or 9 arguments",
        "delay d 0 1 d 0 1 d 0 1 d 0 1 | Requires exactly 3, 6 or 9 arguments",
        "delay d 0 x | Invalid delay: x",
        "delay d 0 4294967296 | Invalid delay: 4294967296",
        "flakey d 0 1 | Invalid argument count: at least 4 are wanted",
        "flakey d 0 x 1 | Invalid up interval: x",
        "flakey d 0 1 x | Invalid down interval: x",
        "flakey d 0 0 0 | Total (up + down) interval is zero",
        "flakey d 0 4294967295 1 | Interval overflow",
        "flakey d 0 1 1 x | Invalid number of feature args: x",
        "flakey d 0 1 1 1 | Insufficient feature arguments",
        "flakey d 0 1 1 0 drop_writes | Invalid number of feature args: 0, but there are more",
        "flakey d 0 1 1 1 what | Unrecognised flakey feature requested: what",
        "flakey d 0 1 1 2 drop_writes drop_writes | Feature drop_writes duplicated",
        "flakey d 0 1 1 2 drop_writes error_writes"
            + "| Feature drop_writes conflicts with feature error_writes",
        "flakey d 0 1 1 4 corrupt_bio_byte 1 r 0 | Feature corrupt_bio_byte requires parameters",
        "flakey d 0 1 1 5 corrupt_bio_byte 0 r 0 0 | Invalid corrupt bio byte: 0",
        "flakey d 0 1 1 5 corrupt_bio_byte 1 x 0 0 | Invalid corrupt bio direction (r or w): x",
        "flakey d 0 1 1 5 corrupt_bio_byte 1 r 256 0"
            + "| Invalid corrupt value to write into bio byte (0-255): 256",
        "flakey d 0 1 1 5 corrupt_bio_byte 1 r 0 x | Invalid corrupt bio flags mask: x",
        "flakey d 0 1 1 6 drop_writes corrupt_bio_byte 1 w 0 0"
            + "| drop_writes is incompatible with corrupt_bio_byte with the WRITE flag set",
        "flakey d 0 1 1 6 error_reads corrupt_bio_byte 1 r 0 0"
            + "| error_reads is incompatible with corrupt_bio_byte with the READ flag set"
      })
  void refusesWithTheReason(String target, String reason) throws TableException {
    String type = target.substring(0, target.indexOf(' '));

    assertThat(refusal(mapper.create("t", "0 8 " + target)))
        .isEqualTo("line 1: " + type + ": " + reason);

    done(mapper.removeVolume("d")); // nothing was kept open
  }

  @Test
  void zeroReadsZerosAndForgets() {
    MappedDevice device = value(mapper.create("t", "0 1000 zero"));
    ByteBuffer data = filled(300, 5);

    write(device, 0, data).isDone();
    read(device, 0, data).isDone();

    assertThat(data).isEqualTo(ByteBuffer.allocate(300 * 512));
    flush(device).isDone();
    Io status = Io.blockStatus(0, 1000, new Ended());
    device.submit(status);
    assertThat(status.allocated()).isFalse();
    assertThat(status.statusSectors()).isEqualTo(1000);
  }

  @Test
  void errorFailsEverythingButAFlush() {
    disk.limits(Limits.DEFAULT.withBlockSizes(4096, 4096));
    MappedDevice device = value(mapper.create("t", "0 8 error d 0"));

    read(device, 0, filled(1, 0)).failed(IoError.Kind.IO);
    write(device, 0, filled(1, 0)).failed(IoError.Kind.IO);
    Ended status = new Ended();
    device.submit(Io.blockStatus(0, 8, status));
    status.failed(IoError.Kind.IO); // a hole would read as zeros
    flush(device).isDone();
    assertThat(disk.log()).isEmpty();
    assertThat(device.limits().logicalBlockSize()).isEqualTo(4096);
  }

  @Test
  void delaysEachClassByItsTime() throws TableException {
    MappedDevice device = value(mapper.create("t", "0 8 delay d 1 5 e 2 10 d 0 20"));
    Ended read = read(device, 0, filled(1, 0));
    Ended write = write(device, 0, filled(1, 7));
    Ended flush = flush(device);

    assertThat(mapper.status("t")).isEqualTo("0 8 delay 1 1 1");
    clock.advance(5 * MS - 1);
    read.isWaiting();
    clock.advance(1);
    read.isDone();
    Ended second = read(device, 3, filled(1, 0));
    clock.advance(5 * MS);
    write.isDone();
    second.isDone();
    flush.isWaiting();
    clock.advance(10 * MS);

    flush.isDone();
    assertThat(disk.log()).containsExactly("READ 1+1", "READ 4+1", "FLUSH 0+0");
    assertThat(other.log()).containsExactly("WRITE 2+1");
    assertThat(mapper.status("t")).isEqualTo("0 8 delay 0 0 0");
  }

  @Test
  void withoutDelayPassesAtOnce() {
    MappedDevice device = value(mapper.create("t", "0 8 delay d 0 0 d 0 3"));

    read(device, 0, filled(1, 0)).isDone();

    Ended write = write(device, 0, filled(1, 0));
    Ended flush = flush(device);
    clock.advance(3 * MS);
    write.isDone();
    flush.isDone();
  }

  @Test
  void suspendHurriesWhatIsDelayed() {
    MappedDevice device = value(mapper.create("t", "0 8 delay d 0 3600000"));
    List<Ended> delayed = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      delayed.add(write(device, i, filled(1, i)));
    }

    done(mapper.suspend("t", SuspendMode.FLUSH));

    delayed.forEach(Ended::isDone);
    done(mapper.resume("t"));
    write(device, 0, filled(1, 0)).isWaiting();
  }

  @Test
  void aFullDelaySendsTheOldestEarly() throws TableException {
    MappedDevice device = value(mapper.create("t", "0 8 delay d 0 5"));
    Ended oldest = flush(device);
    List<Ended> rest = new ArrayList<>();
    for (int i = 1; i < 65_536; i++) {
      rest.add(flush(device));
    }
    oldest.isWaiting();

    rest.add(flush(device));

    oldest.isDone();
    rest.forEach(Ended::isWaiting);
    assertThat(mapper.status("t")).isEqualTo("0 8 delay 0 0 65536");
    clock.advance(5 * MS);
    rest.forEach(Ended::isDone);
  }

  @Test
  void flakeyGoesUpAndDown() {
    MappedDevice device = value(mapper.create("t", "0 8 flakey d 0 2 1"));
    for (int round = 0; round < 3; round++) {
      write(device, 0, filled(1, 1)).isDone();
      read(device, 0, filled(1, 0)).isDone();
      clock.advance(2 * SECOND);
      write(device, 0, filled(1, 1)).failed(IoError.Kind.IO);
      read(device, 0, filled(1, 0)).failed(IoError.Kind.IO);
      flush(device).failed(IoError.Kind.IO);
      clock.advance(SECOND);
    }
  }

  @Test
  void flakeyDropsWrites() {
    MappedDevice device = value(mapper.create("t", "0 8 flakey d 0 0 1 1 drop_writes"));

    write(device, 0, filled(1, 9)).isDone();
    flush(device).isDone();

    assertThat(disk.log()).isEmpty();
    ByteBuffer data = filled(1, 5);
    read(device, 0, data).isDone();
    assertThat(data.get(0)).isZero();
  }

  @Test
  void flakeyFailsOneDirection() {
    MappedDevice writes = value(mapper.create("w", "0 8 flakey d 0 0 1 1 error_writes"));
    MappedDevice reads = value(mapper.create("r", "0 8 flakey d 0 0 1 1 error_reads"));

    write(writes, 0, filled(1, 0)).failed(IoError.Kind.IO);
    read(writes, 0, filled(1, 0)).isDone();
    write(reads, 0, filled(1, 0)).isDone();
    read(reads, 0, filled(1, 0)).failed(IoError.Kind.IO);
  }

  @Test
  void flakeyCorruptsAByteOfACopy() {
    MappedDevice device =
        value(mapper.create("t", "0 8 flakey d 1 0 1 5 corrupt_bio_byte 513 w 255 1"));
    ByteBuffer data = filled(2, 3);

    write(device, 2, data).isDone();
    write(device, 6, filled(1, 4)).isDone();

    assertThat(data).isEqualTo(filled(2, 3));
    assertThat(disk.bytes()[4 * 512]).isEqualTo((byte) 255);
    assertThat(disk.bytes()[4 * 512 + 1]).isEqualTo((byte) 3);
    assertThat(disk.bytes()[7 * 512]).isEqualTo((byte) 4);
  }

  @Test
  void flakeyCorruptsReadsThatCarryTheFlags() {
    MappedDevice device =
        value(mapper.create("t", "0 8 flakey d 0 0 1 5 corrupt_bio_byte 2 r 7 0"));
    MappedDevice fua =
        value(mapper.create("f", "0 8 flakey d 0 0 1 5 corrupt_bio_byte 2 w 7 131072"));
    ByteBuffer data = filled(1, 1);

    read(device, 0, data).isDone();

    assertThat(data.get(1)).isEqualTo((byte) 7);
    assertThat(data.get(0)).isZero();
    write(fua, 0, filled(1, 1)).isDone();
    assertThat(disk.bytes()[1]).isEqualTo((byte) 1);
    Ended ended = new Ended();
    fua.submit(Io.write(0, filled(1, 1), true, ended));
    ended.isDone();
    assertThat(disk.bytes()[1]).isEqualTo((byte) 7);
  }
}
