// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.reservation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.anabranch.scsi.Lab;
import org.anabranch.scsi.data.AccessState;
import org.anabranch.scsi.data.BigEndian;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Two servers that show one unit, and the persistent reservations that both know. */
final class SharedReservationsTest {
  private static final String HOST = "iqn.2026-11.org.example:host";
  private static final String OTHER = "iqn.2026-11.org.example:other";
  private static final String READ = "28 00 00 00 00 00 00 00 01 00";
  private static final String WRITE = "2a 00 00 00 00 00 00 00 01 00";
  private static final String STANDBY = "2/04/0b";

  private static final int REGISTER = 0;
  private static final int RESERVE = 1;
  private static final int RELEASE = 2;
  private static final int CLEAR = 3;
  private static final int PREEMPT = 4;
  private static final int PREEMPT_AND_ABORT = 5;
  private static final int MOVE = 7;

  /** Write exclusive, registrants only. */
  private static final int REGISTRANTS = 5;

  /** What both servers keep together. */
  private String text = "";

  private @Nullable Gateway owner;
  private boolean isBroken;

  /** Runs once, between a server's look at the text and its change. */
  private @Nullable Runnable between;

  /** A server, with the target port 1 of its own and the other one's under another number. */
  private final class Gateway implements SharedRecord {
    final String ports;
    final Reservations reservations = new Reservations("unit", this);
    final Lab lab = new Lab(8192, Lab.properties(), reservations);

    Gateway(String ports) {
      this.ports = ports;
      lab.unit.shared(
          ports.hashCode() & 0xff,
          () -> owner == this ? AccessState.ACTIVE_OPTIMIZED : AccessState.STANDBY);
    }

    Lab.Initiator host(String name) {
      Lab.Initiator host = lab.new Initiator(name, Lab.PORT);
      host.send("12 00 00 00 24 00").isGood();
      host.send("03 00 00 00 ff 00").isGood(); // which takes the unit attention
      return host;
    }

    /** This server has the unit from now on. */
    void takeOver() throws Exception {
      owner = this;
      reservations.arrive(null).get(1, TimeUnit.SECONDS);
    }

    @Override
    public String read() throws IOException {
      if (isBroken) {
        throw new IOException("the cluster does not answer");
      }
      return text;
    }

    @Override
    public boolean isOwner() {
      return owner == this;
    }

    @Override
    public boolean exchange(String expected, String after, Writer writer) throws IOException {
      Runnable first = between;
      between = null;
      if (first != null) {
        first.run();
      }
      if (isBroken || (writer == Writer.OWNER && owner != this)) {
        throw new IOException("another server has the image");
      }
      if (!text.equals(expected)) {
        return false;
      }
      text = after;
      return true;
    }

    @Override
    public int number(String targetPort) {
      return targetPort.equals(ports + ",t,0x0001") ? 1 : 101;
    }

    @Override
    public String port(int number) {
      String its = ports;
      if (number != 1) {
        its = ports.equals("iqn.a") ? "iqn.b" : "iqn.a";
      }
      return its + ",t,0x0001";
    }

    @Override
    public String remedy() {
      return "remove the text";
    }

    @Override
    public void later(Runnable task) {
      task.run();
    }
  }

  private final Gateway a = new Gateway("iqn.a");
  private final Gateway b = new Gateway("iqn.b");

  SharedReservationsTest() throws Exception {
    a.takeOver();
  }

  private static Lab.Result out(Lab.Initiator by, int action, int type, long key, long actionKey) {
    byte[] list = new byte[24];
    BigEndian.put64(list, 0, key);
    BigEndian.put64(list, 8, actionKey);
    return by.send(String.format("5f %02x %02x 00 00 00 00 00 18 00", action, type), list);
  }

  private static String in(Lab.Initiator by, int action) {
    Lab.Result result = by.send(String.format("5e %02x 00 00 00 00 00 20 00 00", action));
    result.isGood();
    return HexFormat.of().formatHex(result.data());
  }

  private static Lab.Result write(Lab.Initiator by) {
    return by.send(WRITE, new byte[512]);
  }

  @Test
  void aReservationHoldsAtTheServerThatTakesTheUnitOver() throws Exception {
    Lab.Initiator atA = a.host(HOST);
    out(atA, REGISTER, 0, 0, 0x11).isGood();
    out(atA, RESERVE, REGISTRANTS, 0x11, 0).isGood();
    write(a.host(OTHER)).conflicts();
    Lab.Initiator atB = b.host(HOST);
    Lab.Initiator other = b.host(OTHER);
    assertThat(in(atB, 0)).isEqualTo(in(atA, 0)).isEqualTo("00000001000000080000000000000011");
    write(other).fails(STANDBY);
    b.takeOver();
    write(other).conflicts();
    other.send(READ).isGood();
    write(atB).conflicts(); // it has registered by the other server's port only
    out(atB, REGISTER, 0, 0, 0x11).isGood();
    write(atB).isGood();
    write(other).conflicts();
    assertThat(in(other, 0)).isEqualTo("0000000200000010" + "0000000000000011".repeat(2));
    assertThat(in(other, 1))
        .isEqualTo("0000000200000010" + "0000000000000011" + "0000000000050000");
    write(atA).fails(STANDBY);
    assertThat(in(atA, 0)).isEqualTo(in(other, 0));
    a.takeOver();
    write(atA).isGood();
    write(a.host(OTHER)).conflicts();
  }

  @Test
  void aHostThatRegistersByBothPathsWritesAtOnceAfterATakeOver() throws Exception {
    Lab.Initiator atA = a.host(HOST);
    Lab.Initiator atB = b.host(HOST);
    out(atA, REGISTER, 0, 0, 0x11).isGood();
    out(atB, REGISTER, 0, 0, 0x11).isGood();
    out(atA, RESERVE, REGISTRANTS, 0x11, 0).isGood();
    write(atB).fails(STANDBY);
    b.takeOver();
    write(atB).isGood();
    String status = in(atB, 3);
    assertThat(status).as("the other server's port has another number").contains("0000006500000");
    out(atB, REGISTER, 0, 0x11, 0x12).isGood();
    assertThat(text)
        .contains("\n12 iqn.b,t,0x0001 " + HOST)
        .contains("\n11 iqn.a,t,0x0001 " + HOST);
  }

  @ParameterizedTest
  @ValueSource(ints = {RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT, MOVE})
  void aStandbyOnlyRegisters(int action) {
    Lab.Initiator atB = b.host(HOST);
    out(atB, REGISTER, 0, 0, 0x11).isGood();
    String before = text;
    out(atB, action, REGISTRANTS, 0x11, 0x11).fails(STANDBY);
    assertThat(text).isEqualTo(before);
  }

  /** A registration that the owner has not heard of is preempted, too. */
  @Test
  void aHostThatWasFencedOffIsSoByAllPaths() throws Exception {
    Lab.Initiator fenced = a.host(HOST);
    Lab.Initiator fencedAtB = b.host(HOST);
    Lab.Initiator other = a.host(OTHER);
    out(fenced, REGISTER, 0, 0, 0x11).isGood();
    out(fenced, RESERVE, REGISTRANTS, 0x11, 0).isGood();
    out(other, REGISTER, 0, 0, 0x22).isGood();
    out(fencedAtB, REGISTER, 0, 0, 0x11).isGood();
    out(other, PREEMPT, REGISTRANTS, 0x22, 0x11).isGood();
    write(other).isGood();
    fenced.send("00 00 00 00 00 00").fails("6/2a/05");
    write(fenced).conflicts();
    b.takeOver();
    write(fencedAtB).conflicts();
    assertThat(in(fencedAtB, 0)).isEqualTo("00000004000000080000000000000022");
  }

  /** The owner would go on to judge by a reservation that has ended elsewhere. */
  @Test
  void theEndOfAReservationNeedsTheOwner() throws Exception {
    Lab.Initiator atB = b.host(HOST);
    Lab.Initiator other = a.host(OTHER);
    b.takeOver();
    out(atB, REGISTER, 0, 0, 0x11).isGood();
    out(atB, RESERVE, REGISTRANTS, 0x11, 0).isGood();
    a.takeOver();
    write(other).conflicts();
    out(atB, REGISTER, 0, 0x11, 0).fails(STANDBY);
    write(other).conflicts();
    b.takeOver();
    out(atB, REGISTER, 0, 0x11, 0).isGood();
    a.takeOver();
    write(other).isGood();
  }

  @Test
  void targetsOfOneNameAreOnePort() throws Exception {
    Gateway same = new Gateway("iqn.a");
    Lab.Initiator atA = a.host(HOST);
    out(atA, REGISTER, 0, 0, 0x11).isGood();
    out(atA, RESERVE, 1, 0x11, 0).isGood();
    same.takeOver();
    write(same.host(HOST)).isGood();
    write(same.host(OTHER)).conflicts();
  }

  @Test
  void aChangeThatAnotherServerMakesMeanwhileIsNotLost() {
    Lab.Initiator atA = a.host(HOST);
    Lab.Initiator atB = b.host(OTHER);
    between = () -> out(atB, REGISTER, 0, 0, 0x22).isGood();
    out(atA, REGISTER, 0, 0, 0x11).isGood();
    assertThat(in(atA, 0)).isEqualTo("0000000200000010" + "0000000000000022" + "0000000000000011");
  }

  /** It was admitted while this server had the unit. */
  @Test
  void aServerThatHasJustLostTheUnitReservesNothing() {
    Lab.Initiator atA = a.host(HOST);
    out(atA, REGISTER, 0, 0, 0x11).isGood();
    String before = text;
    between = () -> owner = b;
    out(atA, RESERVE, REGISTRANTS, 0x11, 0).fails(STANDBY);
    assertThat(text).isEqualTo(before);
  }

  @Test
  void whatCannotBeKeptIsNotDone() {
    Lab.Initiator atA = a.host(HOST);
    Lab.Initiator other = a.host(OTHER);
    out(atA, REGISTER, 0, 0, 0x11).isGood();
    isBroken = true;
    out(atA, RESERVE, REGISTRANTS, 0x11, 0).fails("4/44/00");
    atA.send("5e 00 00 00 00 00 00 20 00 00").fails("4/44/00");
    write(other).isGood();
    isBroken = false;
    out(atA, RESERVE, REGISTRANTS, 0x11, 0).isGood();
    write(other).conflicts();
  }

  /** For hosts a take-over is no loss of power. */
  @Test
  void theyAllSurviveALossOfPower() {
    assertThat(a.host(HOST).send("5e 02 00 00 00 00 00 01 00 00").data())
        .isEqualTo(Lab.hex("00 08 0d b1 ea 01 00 00"));
  }

  @ParameterizedTest
  @CsvSource({
    "rubbish, they do not begin with",
    "anabranch shared reservations 2|1 none -, a newer version wrote them",
    "anabranch shared reservations 1, they do not begin with",
    "anabranch shared reservations 1|x none -, line 2 is damaged",
    "anabranch shared reservations 1|1 none, line 2 is damaged",
    "anabranch shared reservations 1|1 SOME -, line 2 is damaged",
    "anabranch shared reservations 1|1 none -|11, line 3 is damaged",
    "anabranch shared reservations 1|1 none -|11 iqn.a;t;0x0001, line 3 is damaged",
    "anabranch shared reservations 1|1 WRITE_EXCLUSIVE -|11 iqn.a;t;0x0001 iqn.i, is damaged",
    "anabranch shared reservations 1|1 WRITE_EXCLUSIVE iqn.a;t;0x0001 iqn.i, is damaged"
  })
  void aTextThatCannotBeReadKeepsTheUnitAwayAndIsLeftAlone(String damaged, String reason)
      throws Exception {
    text = damaged.replace('|', '\n').replace(';', ',');
    String before = text;
    assertThatThrownBy(() -> b.takeOver())
        .hasMessageContaining(reason)
        .hasMessageContaining("remove the text");
    Lab.Initiator host = b.host(HOST);
    out(host, REGISTER, 0, 0, 0x11).fails("4/44/00");
    write(host).conflicts();
    assertThat(b.reservations.unknown()).contains(reason);
    assertThat(text).isEqualTo(before);
    text = "";
    b.takeOver();
    write(host).isGood();
    assertThat(b.reservations.unknown()).isNull();
  }

  /** A server that was alone, with a version that kept them on its own disk. */
  @Test
  void whatOneServerKeptAloneIsTakenOverOnce() throws Exception {
    String kept = "anabranch reservations 2\nWRITE_EXCLUSIVE 1 iqn.i\n11 1 iqn.i\n";
    a.reservations.arrive(kept).get(1, TimeUnit.SECONDS);
    assertThat(text)
        .isEqualTo(
            "anabranch shared reservations 1\n"
                + "0 WRITE_EXCLUSIVE iqn.a,t,0x0001 iqn.i\n"
                + "11 iqn.a,t,0x0001 iqn.i\n");
    write(a.host(HOST)).conflicts();
    text = text.replace("WRITE_EXCLUSIVE iqn.a,t,0x0001 iqn.i", "none -");
    a.reservations.arrive(kept).get(1, TimeUnit.SECONDS);
    write(a.host(HOST)).isGood();
    text = "";
    assertThatThrownBy(() -> a.reservations.arrive("rubbish").get(1, TimeUnit.SECONDS))
        .hasMessageContaining("damaged");
  }
}
