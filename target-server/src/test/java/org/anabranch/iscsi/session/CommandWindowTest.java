// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.anabranch.iscsi.shares.DataMemory;
import org.junit.jupiter.api.Test;

/** The command window and the memory behind it. */
final class CommandWindowTest {
  private static final int PLACE = 1000;

  private final DataMemory places = new DataMemory(64 * PLACE);
  private final DataMemory commands = new DataMemory(10 * PLACE);

  private CommandWindow window(int most, int first) throws CommandWindow.OutOfMemoryException {
    return new CommandWindow(places, commands, PLACE, 1, most, first);
  }

  @Test
  void numbersWrapAround() throws Exception {
    CommandWindow window = window(4, 0xfffffffe);
    assertThat(window.maxCmdSn()).isEqualTo(1);
    assertThat(window.classify(0xfffffffe)).isEqualTo(CommandWindow.Arrival.NEXT);
    assertThat(window.classify(0xffffffff)).isEqualTo(CommandWindow.Arrival.GAP);
    assertThat(window.classify(1)).isEqualTo(CommandWindow.Arrival.GAP);
    assertThat(window.classify(2)).isEqualTo(CommandWindow.Arrival.OUTSIDE);
    assertThat(window.classify(0xfffffffd)).isEqualTo(CommandWindow.Arrival.OUTSIDE);
    for (int i = 0; i < 4; i++) {
      assertThat(window.classify(0xfffffffe + i)).isEqualTo(CommandWindow.Arrival.NEXT);
      window.enter();
    }
    assertThat(window.classify(2)).as("window is full").isEqualTo(CommandWindow.Arrival.OUTSIDE);
    window.leave();
    assertThat(window.classify(2)).isEqualTo(CommandWindow.Arrival.NEXT);
  }

  @Test
  void someMemoryIsLeftForThoseWhoComeLater() throws Exception {
    List<CommandWindow> windows = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      windows.add(window(32, 1));
    }
    assertThat(windows.getFirst().maxCmdSn()).isEqualTo(16);
    assertThat(windows.getLast().maxCmdSn()).isEqualTo(2);
    assertThat(places.free()).isPositive();
    windows.forEach(window -> window.close());
    assertThat(places.free()).isEqualTo(64 * PLACE);
  }

  /** Wide windows of those who came first shut nobody out, not even when they are idle. */
  @Test
  void eachSessionThatMayComeFindsAPlace() throws Exception {
    int sessions = 32;
    DataMemory memory = new DataMemory(64 * PLACE, (long) sessions * PLACE);
    List<CommandWindow> windows = new ArrayList<>();
    for (int i = 0; i < sessions; i++) {
      windows.add(new CommandWindow(memory, commands, PLACE, 1, 32, 1));
    }
    assertThat(windows.getFirst().maxCmdSn()).isEqualTo(16);
    assertThat(windows.getLast().maxCmdSn()).isEqualTo(1);
    windows.forEach(window -> window.close());
    assertThat(memory.free()).isEqualTo(64 * PLACE);
  }

  /** With a shorter first burst, what is kept for one long place is enough for all of them. */
  @Test
  void shortPlacesAreAlwaysSixteen() throws Exception {
    int sessions = 32;
    int little = PLACE / 16;
    DataMemory memory = new DataMemory(64 * PLACE, (long) sessions * PLACE);
    for (int i = 0; i < 32; i++) {
      new CommandWindow(memory, commands, PLACE, 1, 32, 1); // those who came first
    }
    for (int i = 0; i < sessions; i++) {
      CommandWindow window = new CommandWindow(memory, commands, little, 16, 128, 1);
      assertThat(window.maxCmdSn()).as("window of session %d", i).isEqualTo(16);
      if (memory.free() < PLACE) {
        break;
      }
    }
  }

  @Test
  void whoBringsNothingUnaskedTakesNoMemory() throws Exception {
    CommandWindow window = new CommandWindow(places, commands, 0, 1, 128, 1);
    assertThat(window.maxCmdSn()).isEqualTo(16);
    assertThat(places.free()).isEqualTo(64 * PLACE);
    run(window, 1000);
    assertThat(width(window)).isEqualTo(128);
  }

  @Test
  void withoutMemoryThereIsNoWindow() throws Exception {
    for (int i = 0; i < 64; i++) {
      if (places.free() >= PLACE) {
        window(1, 1);
      }
    }
    assertThatThrownBy(() -> window(1, 1)).isInstanceOf(CommandWindow.OutOfMemoryException.class);
  }

  private static int width(CommandWindow window) {
    return window.maxCmdSn() - window.expCmdSn() + 1;
  }

  private static void run(CommandWindow window, int count) {
    for (int i = 0; i < count; i++) {
      window.enter();
      window.leave();
    }
  }

  @Test
  void aWindowWidensAsItIsUsed() throws Exception {
    CommandWindow window = window(32, 1);
    assertThat(width(window)).isEqualTo(16);
    run(window, 16);
    assertThat(width(window)).isEqualTo(32);
    run(window, 16);
    assertThat(width(window)).as("the queue depth").isEqualTo(32);
  }

  @Test
  void aWindowNarrowsWhileSomebodyWaitsForMemoryButNotBelow16() throws Exception {
    CommandWindow window = window(24, 1);
    run(window, 8);
    assertThat(width(window)).isEqualTo(24);
    assertThat(commands.tryReserve(10 * PLACE)).isTrue();
    List<Runnable> granted = new ArrayList<>();
    var _ = commands.account().await(PLACE, granted::add, () -> {});
    int last = window.maxCmdSn();
    for (int i = 0; i < 8; i++) {
      run(window, 1);
      assertThat(window.maxCmdSn()).as("MaxCmdSN never goes back").isEqualTo(last);
    }
    run(window, 100);
    assertThat(width(window)).isEqualTo(16);
    assertThat(places.free()).isEqualTo(48 * PLACE);
    commands.release(10 * PLACE);
    assertThat(granted).hasSize(1);
  }

  /** The server's own numbers: 1,024 sessions may come, memory for 2,048 places. */
  @Test
  void idleSessionsDoNotKeepWideWindows() throws Exception {
    DataMemory memory = new DataMemory(2048 * PLACE, 1024 * PLACE);
    List<CommandWindow> idle = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      idle.add(new CommandWindow(memory, commands, PLACE, 1, 128, 1));
    }
    assertThat(idle).allMatch(window -> width(window) == 16);
    CommandWindow busy = new CommandWindow(memory, commands, PLACE, 1, 128, 1);
    run(busy, 3000);
    assertThat(width(busy)).isEqualTo(128);
    for (int i = 0; i < 20; i++) {
      idle.add(new CommandWindow(memory, commands, PLACE, 1, 128, 1));
      run(busy, 200);
    }
    assertThat(width(busy)).as("gave some to those who came").isBetween(16, 127);
    assertThat(idle).as("who comes late").allMatch(window -> width(window) == 16);
  }

  @Test
  void closingGivesBackWhatCommandsInFlightDoNotHold() throws Exception {
    CommandWindow window = window(8, 1);
    window.enter();
    window.enter();
    window.close();
    assertThat(places.free()).isEqualTo(62 * PLACE);
    window.leave();
    window.leave();
    assertThat(places.free()).isEqualTo(64 * PLACE);
  }

  @Test
  void whoWaitsIsServedInOrder() {
    List<String> served = new ArrayList<>();
    assertThat(commands.tryReserve(9 * PLACE)).isTrue();
    DataMemory.Account account = commands.account();
    var _ = account.await(5 * PLACE, Runnable::run, () -> served.add("big"));
    DataMemory.Waiter gaveUp = account.await(PLACE, Runnable::run, () -> served.add("never"));
    var _ = account.await(PLACE, Runnable::run, () -> served.add("small"));
    assertThat(account.tryReserve(1)).as("nothing of the same session overtakes").isFalse();
    assertThat(account.cancel(gaveUp)).isTrue();
    assertThat(served).isEmpty();
    commands.release(4 * PLACE);
    assertThat(served).as("more than what would be left for others").isEmpty();
    commands.release(5 * PLACE);
    assertThat(served).containsExactly("big");
    account.release(5 * PLACE);
    assertThat(served).containsExactly("big", "small");
    assertThat(commands.isContended()).isFalse();
    account.release(PLACE);
    assertThat(commands.free()).isEqualTo(10 * PLACE);
  }

  @Test
  void moreIsNeverGivenBackThanThereIs() {
    assertThatThrownBy(() -> commands.release(1)).isInstanceOf(IllegalStateException.class);
  }
}
