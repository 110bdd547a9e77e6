// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.anabranch.iscsi.session.IscsiCommand.Phase;
import org.anabranch.iscsi.shares.DataMemory;
import org.anabranch.iscsi.wire.Pdu;
import org.anabranch.scsi.api.Status;
import org.anabranch.scsi.api.TaskAttribute;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The phases of a command, without a connection: which follow which, and when it may end. */
final class IscsiCommandTest {
  private static final int PLACE = 1000;
  private static final byte[] FAULT = TransportSense.PROTOCOL_SERVICE_CRC_ERROR;

  private final DataMemory places = new DataMemory(8 * PLACE);
  private final DataMemory memory = new DataMemory(4 * PLACE);
  private CommandWindow window;
  private IscsiCommand command;

  @BeforeEach
  void receive() throws Exception {
    window = new CommandWindow(new CommandWindow.Memory(places, places, memory), PLACE, 1, 32, 1);
    command = writeOf(1024);
  }

  /** A write whose header has come. */
  @SuppressWarnings("NullAway") // it tells nobody its end
  private IscsiCommand writeOf(int bytes) {
    Pdu pdu = new Pdu();
    pdu.header().writeByte(0x01).writeByte(0xa1).writeZero(18).writeInt(bytes).writeZero(24);
    return new IscsiCommand(
        null, null, new Claim(window, memory.account()), pdu, new byte[16], TaskAttribute.SIMPLE);
  }

  @Test
  void aWriteWithoutFaults() {
    assertThat(command.phase()).isEqualTo(Phase.RECEIVING);
    command.claim().enter();
    command.received();
    assertThat(command.phase()).isEqualTo(Phase.TRANSFERRING);
    command.executes(null, 0);
    assertThat(command.phase()).isEqualTo(Phase.EXECUTING);
    assertThat(command.canEnd()).as("the router has it").isFalse();
    command.returned();
    assertThat(command.canEnd()).isTrue();
    command.ends();
    assertThat(command.isAnswered()).isTrue();
    assertThat(command.phase()).isEqualTo(Phase.ENDED);
  }

  @Test
  void noPhaseComesTwiceOrEarly() {
    assertThatThrownBy(command::ends).isInstanceOf(IllegalStateException.class);
    command.received();
    assertThatThrownBy(command::received).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(command::ends).as("the router has it").hasMessageContaining("TRANSFERRING");
    command.executes(null, 0);
    assertThatThrownBy(() -> command.executes(null, 0)).isInstanceOf(IllegalStateException.class);
    command.returned();
    command.ends();
    assertThatThrownBy(command::ends).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aFaultIsNotedWhileItsPduComesIn() {
    assertThat(command.fail(FAULT)).isTrue();
    assertThat(command.phase()).isEqualTo(Phase.RECEIVING);
    command.returned();
    assertThat(command.canEnd()).as("its PDU comes in").isFalse();
    command.received();
    assertThat(command.phase()).isEqualTo(Phase.LEAVING);
    assertThat(command.canEnd()).isTrue();
    assertThat(command.status()).isEqualTo(Status.CHECK_CONDITION);
    assertThat(command.sense()).isEqualTo(FAULT);
  }

  @Test
  void aFaultIsAnsweredWhenTheRestOfTheDataHasCome() {
    command.transfer().length(1024);
    command.received();
    command.transfer().ask(1, 1024);
    command.fail(FAULT);
    command.returned();
    assertThat(command.phase()).isEqualTo(Phase.LEAVING);
    assertThat(command.canEnd()).as("the burst is open").isFalse();
    assertThat(command.fail(TransportSense.INCORRECT_AMOUNT_OF_DATA)).as("again").isFalse();
    command.transfer().received(1024);
    command.transfer().endSequence();
    assertThat(command.canEnd()).isTrue();
    assertThat(command.sense()).isEqualTo(FAULT);
  }

  @Test
  void whoIsNotAnsweredDoesNotWaitForData() {
    command.transfer().length(1024);
    command.received();
    command.transfer().ask(1, 1024);
    command.fail(FAULT);
    command.returned();
    command.withdrawIfAwaited();
    assertThat(command.canEnd()).as("nobody waits").isFalse();
    command.whenEnded(() -> {});
    command.withdrawIfAwaited();
    assertThat(command.canEnd()).isTrue();
    assertThat(command.isAnswered()).isFalse();
  }

  @Test
  void aCommandThatIsExecutedCannotFailAndEndsWithTheRouter() {
    command.received();
    command.executes(null, 0);
    assertThat(command.fail(FAULT)).isFalse();
    command.silence();
    assertThat(command.phase()).isEqualTo(Phase.EXECUTING);
    assertThat(command.isAbandonable()).isFalse();
    assertThat(command.canEnd()).isFalse();
    command.returned();
    assertThat(command.canEnd()).isTrue();
    assertThat(command.isAnswered()).isFalse();
  }

  @Test
  void memoryIsWaitedForAndGivenUp() {
    assertThat(memory.tryReserve(4 * PLACE)).isTrue();
    command.claim().reserve(PLACE, Runnable::run, command::granted);
    command.received();
    assertThat(command.phase()).isEqualTo(Phase.WAITING);
    memory.release(2 * PLACE); // as much stays for others
    assertThat(command.phase()).isEqualTo(Phase.TRANSFERRING);
    IscsiCommand other = writeOf(1024);
    other.claim().reserve(PLACE, Runnable::run, other::granted);
    other.received();
    other.fail(FAULT);
    assertThat(other.phase()).isEqualTo(Phase.LEAVING);
    assertThat(other.claim().isWaiting()).isFalse();
    command.release();
    assertThat(memory.free()).as("only the first had some").isEqualTo(2 * PLACE);
  }

  @Test
  void aClaimIsGivenBackOnce() {
    int last = window.maxCmdSn();
    int width = last - window.expCmdSn() + 1;
    command.claim().leave();
    assertThat(window.maxCmdSn()).as("nothing was entered").isEqualTo(last);
    command.claim().enter();
    command.claim().leave();
    command.claim().leave();
    assertThat(window.maxCmdSn() - window.expCmdSn() + 1).as("places").isEqualTo(width + 1);
    for (int i = 0; window.takesImmediate(); i++) {
      assertThat(i).isLessThan(8);
      writeOf(0).claim().enterImmediate();
    }
  }
}
