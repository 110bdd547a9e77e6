// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.anabranch.naming.IscsiName;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.api.SenseCode;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.command.DiskUnit;
import org.anabranch.scsi.data.BigEndian;
import org.anabranch.scsi.data.TransportId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** RESERVE, and PERSISTENT RESERVE with all its types and service actions. */
final class ReservationTest {
  private static final String READ = "28 00 00 00 00 00 00 00 01 00";
  private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00";

  private static final int REGISTER = 0;
  private static final int RESERVE = 1;
  private static final int RELEASE = 2;
  private static final int CLEAR = 3;
  private static final int PREEMPT = 4;
  private static final int PREEMPT_AND_ABORT = 5;
  private static final int REGISTER_AND_IGNORE = 6;

  private Lab lab = Lab.disk();
  private Lab.Initiator first = lab.initiator("iqn.2026-11.org.example:first");
  private Lab.Initiator second = lab.initiator("iqn.2026-11.org.example:second");
  private Lab.Initiator third = lab.initiator("iqn.2026-11.org.example:third");

  private static Lab.Result out(
      Lab.Initiator by, int action, int type, long key, long actionKey, int flags) {
    byte[] list = new byte[24];
    BigEndian.put64(list, 0, key);
    BigEndian.put64(list, 8, actionKey);
    list[20] = (byte) flags;
    return by.send(String.format("5f %02x %02x 00 00 00 00 00 18 00", action, type), list);
  }

  private static void register(Lab.Initiator by, long key) {
    out(by, REGISTER_AND_IGNORE, 0, 0, key, 0).isGood();
  }

  private static String in(Lab.Initiator by, int action) {
    Lab.Result result = by.send(String.format("5e %02x 00 00 00 00 00 20 00 00", action));
    result.isGood();
    byte[] data = result.data();
    return HexFormat.of().formatHex(data, 4, data.length);
  }

  private static String read(Lab.Initiator by) {
    Lab.Result result = by.send(READ);
    return result.status() == Status.GOOD ? "r" : "-";
  }

  private static String write(Lab.Initiator by) {
    Lab.Result result = by.send(WRITE, new byte[512]);
    return result.status() == Status.GOOD ? "w" : "-";
  }

  @ParameterizedTest
  @CsvSource({
    // type, holder, registered, other
    "1, rw, r-, r-",
    "3, rw, --, --",
    "5, rw, rw, r-",
    "6, rw, rw, --",
    "7, rw, rw, r-",
    "8, rw, rw, --"
  })
  void everyTypeLetsThroughWhatItShould(int type, String holder, String registered, String other) {
    register(first, 0x11);
    register(second, 0x22);
    out(first, RESERVE, type, 0x11, 0, 0).isGood();
    assertThat(read(first) + write(first)).isEqualTo(holder);
    assertThat(read(second) + write(second)).isEqualTo(registered);
    assertThat(read(third) + write(third)).isEqualTo(other);
    third.send("00 00 00 00 00 00").isGood();
    third.send("12 00 00 00 24 00").isGood();
    String key = type > 6 ? "0000000000000000" : "0000000000000011";
    assertThat(in(third, 1)).isEqualTo("00000010" + key + "00000000000" + type + "0000");
    out(first, RELEASE, type == 1 ? 3 : 1, 0x11, 0, 0).fails("5/26/04");
    out(first, RELEASE, type, 0x11, 0, 0).isGood();
    assertThat(in(third, 1)).isEqualTo("00000000");
    if (type > 4) {
      second.send(READ).fails("6/2a/04");
    }
    assertThat(write(third)).isEqualTo("w");
  }

  @Test
  void keysAreChecked() {
    out(first, REGISTER, 0, 0x99, 0x11, 0).conflicts();
    out(first, RESERVE, 1, 0x11, 0, 0).conflicts();
    out(first, REGISTER, 0, 0, 0x11, 0).isGood();
    out(first, REGISTER, 0, 0, 0x12, 0).conflicts();
    out(first, REGISTER, 0, 0x11, 0x12, 0).isGood();
    assertThat(in(first, 0)).isEqualTo("00000008" + "0000000000000012");
    out(first, RESERVE, 1, 0x11, 0, 0).conflicts();
    out(first, RESERVE, 2, 0x12, 0, 0).fails("5/24/00");
    out(first, RESERVE, 0x11, 0x12, 0, 0).fails("5/24/00");
    out(first, RESERVE, 1, 0x12, 0, 0).isGood();
    out(first, RESERVE, 1, 0x12, 0, 0).isGood();
    out(first, RESERVE, 3, 0x12, 0, 0).conflicts();
    first.send("5f 00 00 00 00 00 00 00 10 00", new byte[16]).fails("5/1a/00");
    first.send("5f 08 00 00 00 00 00 00 18 00", new byte[24]).fails("5/24/00");
    first.send("5e 04 00 00 00 00 00 01 00 00").fails("5/24/00");
    out(first, REGISTER, 0, 0x12, 0, 0).isGood();
    assertThat(in(second, 1)).isEqualTo("00000000");
    assertThat(in(second, 0)).isEqualTo("00000000");
  }

  @Test
  void generationCountsWhatChangesRegistrations() {
    long before = BigEndian.u32(first.send("5e 00 00 00 00 00 00 01 00 00").data(), 0);
    register(first, 0x11);
    out(first, RESERVE, 1, 0x11, 0, 0).isGood();
    out(first, RELEASE, 1, 0x11, 0, 0).isGood();
    out(first, CLEAR, 0, 0x11, 0, 0).isGood();
    assertThat(BigEndian.u32(first.send("5e 00 00 00 00 00 00 01 00 00").data(), 0))
        .isEqualTo(before + 2);
  }

  @Test
  void clearTakesEverythingAndTellsTheOthers() {
    register(first, 0x11);
    register(second, 0x22);
    out(second, RESERVE, 3, 0x22, 0, 0).isGood();
    out(first, CLEAR, 0, 0x11, 0, 0).isGood();
    second.send(READ).fails("6/2a/03");
    assertThat(in(first, 0)).isEqualTo("00000000");
    assertThat(write(third)).isEqualTo("w");
  }

  @Test
  void preemptTakesTheReservationAndTellsTheLoser() {
    register(first, 0x11);
    register(second, 0x22);
    out(second, RESERVE, 1, 0x22, 0, 0).isGood();
    out(first, PREEMPT, 3, 0x11, 0x22, 0).isGood();
    second.send(READ).fails("6/2a/05");
    assertThat(read(second) + write(second)).isEqualTo("--");
    assertThat(in(first, 1)).isEqualTo("0000001000000000000000110000000000030000");
    out(first, PREEMPT, 3, 0x11, 0x77, 0).conflicts();
    out(first, PREEMPT, 3, 0x11, 0, 0).fails("5/26/00");
  }

  @Test
  void preemptOfAllRegistrants() {
    register(first, 0x11);
    register(second, 0x22);
    register(third, 0x33);
    out(second, RESERVE, 7, 0x22, 0, 0).isGood();
    out(first, PREEMPT, 7, 0x11, 0x33, 0).isGood();
    third.send(READ).fails("6/2a/05");
    assertThat(in(first, 0)).isEqualTo("00000010" + "0000000000000011" + "0000000000000022");
    out(first, PREEMPT, 5, 0x11, 0, 0).isGood();
    second.send(READ).fails("6/2a/05");
    assertThat(in(first, 1)).isEqualTo("0000001000000000000000110000000000050000");
  }

  @Test
  void preemptAndAbortEndsTheTasksOfTheLoser() {
    register(first, 0x11);
    register(second, 0x22);
    out(second, RESERVE, 1, 0x22, 0, 0).isGood();
    lab.disk.hold();
    Lab.Command running = second.begin(READ).execute();
    Lab.Command bystander = third.begin(READ).execute();
    byte[] list = new byte[24];
    BigEndian.put64(list, 0, 0x11);
    BigEndian.put64(list, 8, 0x22);
    Lab.Command preempt =
        first
            .begin(String.format("5f %02x 03 00 00 00 00 00 18 00", PREEMPT_AND_ABORT), list)
            .execute();
    assertThat(preempt.isOver()).as("before what it aborts has ended").isFalse();
    lab.disk.letGo();
    preempt.result().isGood();
    assertThat(running.result().aborted()).isTrue();
    bystander.result().isGood();
  }

  @Test
  void theHolderThatUnregistersReleases() {
    register(first, 0x11);
    register(second, 0x22);
    out(first, RESERVE, 5, 0x11, 0, 0).isGood();
    out(first, REGISTER, 0, 0x11, 0, 0).isGood();
    second.send(READ).fails("6/2a/04");
    assertThat(in(second, 1)).isEqualTo("00000000");
  }

  @Test
  void registrationForOthersAndForAllPorts() {
    byte[] id = TransportId.encode("iqn.2026-11.org.example:fourth,i,0x800000000001");
    byte[] list = new byte[28 + id.length];
    BigEndian.put64(list, 8, 0x44);
    list[20] = 0x0c; // SPEC_I_PT, ALL_TG_PT
    BigEndian.put32(list, 24, id.length);
    System.arraycopy(id, 0, list, 28, id.length);
    first.send(String.format("5f 00 00 00 00 00 00 00 %02x 00", list.length), list).isGood();
    assertThat(in(first, 0)).startsWith("00000020");
    Lab.Initiator fourth =
        lab.new Initiator("iqn.2026-11.org.example:fourth", Lab.SECOND_PORT).ready();
    out(fourth, RESERVE, 3, 0x44, 0, 0).isGood();
    byte[] full = first.send("5e 03 00 00 00 00 00 20 00 00").data();
    assertThat(new String(full, StandardCharsets.US_ASCII))
        .contains("iqn.2026-11.org.example:first,i,0x800000000001")
        .contains("iqn.2026-11.org.example:fourth,i,0x800000000001");
    list[28] = 0x05; // a device name is no port
    second
        .send(String.format("5f 00 00 00 00 00 00 00 %02x 00", list.length), list)
        .fails("5/26/00");
    list[27]++;
    second
        .send(String.format("5f 00 00 00 00 00 00 00 %02x 00", list.length), list)
        .fails("5/1a/00");
  }

  private static byte[] moveList(long key, long newKey, String to, int port, boolean unregister) {
    byte[] id = TransportId.encode(to + ",i,0x800000000001");
    byte[] list = new byte[24 + id.length];
    BigEndian.put64(list, 0, key);
    BigEndian.put64(list, 8, newKey);
    list[17] = (byte) (unregister ? 2 : 0);
    BigEndian.put16(list, 18, port);
    BigEndian.put32(list, 20, id.length);
    System.arraycopy(id, 0, list, 24, id.length);
    return list;
  }

  private static Lab.Result move(Lab.Initiator by, byte[] list) {
    return by.send(String.format("5f 07 00 00 00 00 00 00 %02x 00", list.length), list);
  }

  @Test
  void reservationMovesToAnother() {
    String to = "iqn.2026-11.org.example:second";
    register(first, 0x11);
    move(first, moveList(0x11, 0x22, to, 1, false)).fails("5/24/00");
    move(first, moveList(0x12, 0x22, to, 1, false)).conflicts();
    out(first, RESERVE, 3, 0x11, 0, 0).isGood();
    move(first, moveList(0x11, 0, to, 1, false)).fails("5/26/00");
    move(first, moveList(0x11, 0x22, to, 9, false)).fails("5/26/00");
    move(first, moveList(0x11, 0x22, "iqn.2026-11.org.example:first", 1, false)).fails("5/26/00");
    move(first, moveList(0x11, 0x22, to, 1, true)).isGood();
    assertThat(read(first) + write(first)).isEqualTo("--");
    assertThat(read(second) + write(second)).isEqualTo("rw");
    assertThat(in(second, 0)).isEqualTo("00000008" + "0000000000000022");
  }

  /** Whatever may log in is reported, and accepted back as it is reported. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "iqn.2008-11.org.linux-kvm:my_vm",
        "iqn.2008-11.org.linux-kvm:my vm",
        "iqn.2026-11.org.example:z\u00fcrich",
        "iqn.2026-11.org.example:zu\u0308rich",
        "IQN.2026-11.org.example:Other"
      })
  void namesThatAreReportedAreAcceptedBack(String spelling) {
    String name = new IscsiName(spelling).text();
    Lab.Initiator other = lab.new Initiator(name, Lab.PORT).ready();
    register(other, 0x55);
    byte[] full = first.send("5e 03 00 00 00 00 00 ff 00 00").data();
    int length = BigEndian.u16(full, 8 + 24 + 2) + 4;
    byte[] reported = java.util.Arrays.copyOfRange(full, 8 + 24, 8 + 24 + length);
    assertThat(new String(reported, StandardCharsets.UTF_8)).contains(name + ",i,0x800000000001");
    for (byte[] id : new byte[][] {reported, TransportId.encode(spelling + ",i,0x800000000001")}) {
      // REGISTER with SPEC_I_PT, for it and another
      byte[] list = new byte[28 + id.length];
      BigEndian.put64(list, 8, 0x44);
      list[20] = 0x08;
      BigEndian.put32(list, 24, id.length);
      System.arraycopy(id, 0, list, 28, id.length);
      out(other, REGISTER, 0, 0x55, 0, 0).isGood();
      first.send(String.format("5f 00 00 00 00 00 00 00 %02x 00", list.length), list).isGood();
      assertThat(in(first, 0)).startsWith("00000010");
      // REGISTER AND MOVE to it
      out(first, RESERVE, 3, 0x44, 0, 0).isGood();
      byte[] move = moveList(0x44, 0x55, "x", 1, true);
      byte[] moved = java.util.Arrays.copyOf(move, 24 + id.length);
      BigEndian.put32(moved, 20, id.length);
      System.arraycopy(id, 0, moved, 24, id.length);
      move(first, moved).isGood();
      assertThat(read(other) + write(other)).isEqualTo("rw");
      assertThat(in(other, 0)).isEqualTo("00000008" + "0000000000000055");
      out(other, RELEASE, 3, 0x55, 0, 0).isGood();
    }
  }

  @Test
  void registrationsAreBounded() {
    byte[] ids = new byte[28 + 100 * TransportId.encode(name(0)).length];
    int round = 0;
    Lab.Result result;
    do {
      int at = 28;
      for (int i = 0; i < 100; i++) {
        byte[] id = TransportId.encode(name(round * 100 + i));
        System.arraycopy(id, 0, ids, at, id.length);
        at += id.length;
      }
      BigEndian.put64(ids, 8, 0x77);
      ids[20] = 0x08;
      BigEndian.put32(ids, 24, at - 28);
      Lab.Initiator by = lab.initiator("iqn.2026-11.org.example:r" + round);
      result =
          by.send(
              String.format("5f 00 00 00 00 00 00 %02x %02x 00", ids.length >> 8, ids.length & 255),
              ids);
      round++;
    } while (result.status() == Status.GOOD && round < 20);
    result.fails("5/55/04");
    assertThat(round).isEqualTo(11);
  }

  private static String name(int number) {
    return String.format("iqn.2026-11.org.example:n%04d,i,0x800000000001", number);
  }

  @Test
  void reserveIsForItsNexusAndEndsWithIt() {
    first.send("16 00 00 00 00 00").isGood();
    first.send("56 00 00 00 00 00 00 00 00 00").isGood();
    second.send("16 00 00 00 00 00").conflicts();
    second.send("17 00 00 00 00 00").isGood();
    second.send(READ).conflicts();
    second.send("00 00 00 00 00 00").conflicts();
    second.send("5e 00 00 00 00 00 00 01 00 00").conflicts();
    second.send("03 00 00 00 12 00").isGood();
    first.send(READ).isGood();
    lab.device.close(first.nexus);
    second.send("16 00 00 00 00 00").isGood();
    lab.unit.reset(second.nexus, SenseCode.UNIT_RESET_OCCURRED, () -> {});
    third.send(READ).fails("6/29/03");
    third.send(READ).isGood();
    register(third, 0x33);
    third.send("16 00 00 00 00 00").conflicts();
  }

  @Test
  void withoutAStorePowerLossCannotBePromised() {
    out(first, REGISTER_AND_IGNORE, 0, 0, 0x11, 1).fails("5/26/00");
    assertThat(first.send("5e 02 00 00 00 00 00 01 00 00").data())
        .isEqualTo(Lab.hex("00 08 0c b0 ea 01 00 00"));
  }

  private void restart(ReservationStore store) {
    lab = new Lab(8192, Lab.properties(), store);
    first = lab.initiator("iqn.2026-11.org.example:first");
    second = lab.initiator("iqn.2026-11.org.example:second");
  }

  @Test
  void whatIsToSurviveARestartDoes() {
    MemoryStore store = new MemoryStore();
    restart(store);
    out(first, REGISTER_AND_IGNORE, 0, 0, 0x1122334455667788L, 1).isGood();
    out(second, REGISTER_AND_IGNORE, 0, 0, 0xfedcba9876543210L, 1).isGood();
    out(first, RESERVE, 5, 0x1122334455667788L, 0, 0).isGood();
    restart(store);
    assertThat(in(second, 0)).isEqualTo("00000010" + "1122334455667788" + "fedcba9876543210");
    assertThat(in(second, 1)).isEqualTo("0000001011223344556677880000000000050000");
    assertThat(first.send("5e 02 00 00 00 00 00 01 00 00").data())
        .isEqualTo(Lab.hex("00 08 0d b1 ea 01 00 00"));
    assertThat(read(second) + write(second)).isEqualTo("rw");
    out(second, REGISTER_AND_IGNORE, 0, 0, 0x22, 0).isGood(); // APTPL = 0: forgotten
    assertThat(store.states).isEmpty();
    restart(store);
    assertThat(in(second, 0)).isEqualTo("00000000");
  }

  @Test
  void aStateThatIsDamagedKeepsTheUnitAway() {
    String serial = Lab.properties().identity().serial();
    MemoryStore store = new MemoryStore();
    store.states.put(serial, "rubbish");
    assertThatThrownBy(() -> DiskUnit.of(lab.disk, Lab.properties(), lab.scheduler, store))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(serial);
  }

  @Test
  void aSaveThatFailsIsToldToTheInitiator() {
    MemoryStore store = new MemoryStore();
    store.fails = true;
    restart(store);
    out(first, REGISTER_AND_IGNORE, 0, 0, 0x11, 1).fails("4/44/00");
  }

  /** SPC-2 5.5.1. */
  @Test
  void withReserveNobodyGetsAtPersistentReservations() {
    first.send("16 00 00 00 00 00").isGood();
    first.send("5e 00 00 00 00 00 00 01 00 00").conflicts();
    out(first, REGISTER, 0, 0, 0x11, 0).conflicts();
    first.send("17 00 00 00 00 00").isGood();
    out(first, REGISTER, 0, 0, 0x11, 0).isGood();
  }

  /** SPC-4 6.16: SCOPE and TYPE count where a reservation is made or ended. */
  @Test
  void scopeAndTypeAreIgnoredWhereTheyMeanNothing() {
    out(first, REGISTER, 0x5f, 0, 0x11, 0).isGood();
    out(first, REGISTER_AND_IGNORE, 0xff, 0, 0x11, 0).isGood();
    register(second, 0x22);
    out(first, PREEMPT, 0xff, 0x11, 0x22, 0).isGood();
    second.send(READ).fails("6/2a/05");
    register(second, 0x22);
    out(second, RESERVE, 5, 0x22, 0, 0).isGood();
    out(first, PREEMPT, 0xf5, 0x11, 0x22, 0).fails("5/24/00");
    out(first, PREEMPT, 0x02, 0x11, 0x22, 0).fails("5/24/00");
    assertThat(in(first, 1)).isEqualTo("0000001000000000000000220000000000050000");
    byte[] list = moveList(0x22, 0x11, "iqn.2026-11.org.example:first", 1, false);
    second.send(String.format("5f 07 fb 00 00 00 00 00 %02x 00", list.length), list).isGood();
    assertThat(in(first, 1)).isEqualTo("0000001000000000000000110000000000050000");
    out(first, CLEAR, 0xff, 0x11, 0, 0).isGood();
    assertThat(in(first, 0)).isEqualTo("00000000");
  }

  @Test
  void thoseWhoAreLeftLearnThatAPreemptChangedTheType() {
    register(first, 0x11);
    register(second, 0x22);
    register(third, 0x33);
    out(second, RESERVE, 1, 0x22, 0, 0).isGood();
    out(first, PREEMPT, 5, 0x11, 0x22, 0).isGood();
    second.send(READ).fails("6/2a/05");
    third.send(READ).fails("6/2a/04");
    first.send(READ).isGood();
    register(second, 0x22);
    out(second, PREEMPT, 5, 0x22, 0x11, 0).isGood();
    first.send(READ).fails("6/2a/05");
    third.send(READ).isGood(); // The same type as before.
  }

  @Test
  void othersAreRegisteredByRegisterOnly() {
    register(first, 0x11);
    for (int action : new int[] {RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT}) {
      Lab.Result result = out(first, action, 1, 0x11, 0x11, 0x08);
      result.fails("5/26/00");
      assertThat(result.pointer()).as("SPEC_I_PT").isEqualTo(20);
    }
    out(first, REGISTER_AND_IGNORE, 0, 0, 0x12, 0x08).fails("5/26/00");
  }

  /** Format 00b, as sg_persist sends it: an initiator's name without a port. */
  @Test
  void aNameRegistersThePortsThatAreLoggedInUnderIt() {
    byte[] name = "iqn.2026-11.org.example:second".getBytes(StandardCharsets.US_ASCII);
    byte[] list = new byte[28 + 4 + 32];
    BigEndian.put64(list, 8, 0x44);
    list[20] = 0x08;
    BigEndian.put32(list, 24, 36);
    list[28] = 0x05;
    BigEndian.put16(list, 30, 32);
    System.arraycopy(name, 0, list, 32, name.length);
    String cdb = String.format("5f 00 00 00 00 00 00 00 %02x 00", list.length);
    first.send(cdb, list).isGood();
    out(second, RESERVE, 1, 0x44, 0, 0).isGood();
    byte[] absent = list.clone();
    absent[32 + name.length - 1] = 'x';
    third.send(cdb, absent).fails("5/26/00");
    byte[] move =
        Arrays.copyOf(moveList(0x44, 0x11, "iqn.2026-11.org.example:first", 1, false), 60);
    BigEndian.put32(move, 20, 36);
    System.arraycopy(list, 28, move, 24, 36);
    second
        .send(String.format("5f 07 00 00 00 00 00 00 %02x 00", move.length), move)
        .fails("5/26/00");
  }
}
