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

  private final DataMemory first = new DataMemory(8 * PLACE);
  private final DataMemory places = new DataMemory(64 * PLACE);
  private final DataMemory commands = new DataMemory(10 * PLACE);

  private CommandWindow window(int most, int first) {
    return window(PLACE, 1, most, first);
  }

  private CommandWindow window(int placeBytes, int kept, int most, int firstCmdSn) {
    return new CommandWindow(
        new CommandWindow.Memory(first, places, commands), placeBytes, kept, most, firstCmdSn);
  }

  @Test
  void numbersWrapAround() {
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

  /** However many there are, and whatever they negotiated: idle sessions hold one place each. */
  @Test
  void eachSessionHasSixteenPlacesAndIdleOnesHoldOne() {
    List<CommandWindow> windows = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      windows.add(window(32, 1));
    }
    assertThat(windows).allMatch(window -> width(window) == 16);
    assertThat(places.free()).isEqualTo(64 * PLACE);
    assertThat(first.free()).isZero();
    CommandWindow more = window(32, 1); // than there should be
    assertThat(width(more)).isEqualTo(16);
    assertThat(places.free()).isEqualTo(64 * PLACE);
    windows.forEach(window -> window.close());
    more.close();
    assertThat(places.free()).isEqualTo(64 * PLACE);
    assertThat(first.free()).isEqualTo(8 * PLACE);
  }

  /** With a shorter first burst, what is kept for one long place is enough for several. */
  @Test
  void shortPlacesAreKeptWhereOneLongOneWouldBe() {
    CommandWindow window = window(PLACE / 16, 16, 128, 1);
    for (int i = 0; i < 16; i++) {
      assertThat(window.cover()).isTrue();
    }
    assertThat(places.free()).isEqualTo(64 * PLACE);
  }

  /** Sixteen commands may come in any case, but only the first one has memory in any case. */
  @Test
  void aPlaceWithoutMemoryIsReported() {
    CommandWindow window = window(32, 1);
    assertThat(places.tryReserve(63 * PLACE)).isTrue();
    assertThat(window.cover()).as("the one that is kept").isTrue();
    assertThat(window.cover()).as("the last one").isTrue();
    assertThat(window.cover()).isFalse();
    window.uncover();
    assertThat(places.free()).as("goes back while it is scarce").isEqualTo(PLACE);
    window.uncover();
    assertThat(window.cover()).isTrue();
    assertThat(places.free()).isEqualTo(PLACE);
  }

  @Test
  void anIdleSessionGivesBackAllButWhatIsKept() {
    CommandWindow window = window(32, 1);
    for (int i = 0; i < 10; i++) {
      assertThat(window.cover()).isTrue();
    }
    assertThat(window.holdsMore()).isFalse();
    for (int i = 0; i < 7; i++) {
      window.uncover();
    }
    assertThat(places.free()).isEqualTo(55 * PLACE);
    assertThat(window.holdsMore()).isTrue();
    window.idle();
    assertThat(places.free()).as("two of three commands").isEqualTo(62 * PLACE);
    assertThat(window.holdsMore()).isFalse();
  }

  @Test
  void whoBringsNothingUnaskedTakesNoMemory() {
    CommandWindow window = window(0, 1, 128, 1);
    assertThat(window.maxCmdSn()).isEqualTo(16);
    assertThat(places.free()).isEqualTo(64 * PLACE);
    run(window, 1000);
    assertThat(width(window)).isEqualTo(128);
  }

  /** More sessions than memory was set aside for. */
  @Test
  void withoutMemoryThereAreStillPlaces() {
    for (int i = 0; i < 8; i++) {
      window(1, 1);
    }
    CommandWindow last = window(32, 1);
    assertThat(width(last)).isEqualTo(16);
    assertThat(last.cover()).isTrue();
    assertThat(places.free()).isEqualTo(63 * PLACE);
    assertThat(places.tryReserve(63 * PLACE)).isTrue();
    assertThat(last.cover()).isFalse();
    last.uncover();
    assertThat(places.free()).isEqualTo(PLACE);
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
  void aWindowWidensAsItIsUsed() {
    CommandWindow window = window(32, 1);
    assertThat(width(window)).isEqualTo(16);
    run(window, 16);
    assertThat(width(window)).isEqualTo(32);
    run(window, 16);
    assertThat(width(window)).as("the queue depth").isEqualTo(32);
  }

  @Test
  void aWindowNarrowsWhileSomebodyWaitsForMemoryButNotBelow16() {
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
    commands.release(10 * PLACE);
    assertThat(granted).hasSize(1);
  }

  /** The server's own numbers: 1,024 sessions may come, memory for 2,048 places. */
  @Test
  void aNewcomerBesideManyIdleSessionsGetsWhatItUses() {
    DataMemory keptForAll = new DataMemory(1024 * PLACE);
    DataMemory more = new DataMemory(1024 * PLACE);
    CommandWindow.Memory memory = new CommandWindow.Memory(keptForAll, more, commands);
    List<CommandWindow> others = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      CommandWindow other = new CommandWindow(memory, PLACE, 1, 128, 1);
      assertThat(width(other)).isEqualTo(16);
      others.add(other);
    }
    CommandWindow busy = new CommandWindow(memory, PLACE, 1, 128, 1);
    run(busy, 3000);
    assertThat(width(busy)).isEqualTo(128);
    others.forEach(window -> run(window, 200));
    assertThat(others).allMatch(window -> width(window) >= 16);
    run(busy, 200);
    assertThat(width(busy)).as("memory is scarce").isEqualTo(16);
    others.forEach(window -> window.idle());
    run(busy, 200);
    assertThat(width(busy)).isEqualTo(128);
  }

  @Test
  void closingGivesBackWhatCommandsInFlightDoNotHold() {
    CommandWindow window = window(8, 1);
    for (int i = 0; i < 3; i++) {
      window.enter();
      assertThat(window.cover()).isTrue();
    }
    window.enter(); // has no data
    window.close();
    assertThat(places.free()).isEqualTo(62 * PLACE);
    assertThat(first.free()).isEqualTo(7 * PLACE);
    window.leave();
    for (int i = 0; i < 3; i++) {
      window.uncover();
      window.leave();
    }
    assertThat(places.free()).isEqualTo(64 * PLACE);
    assertThat(first.free()).isEqualTo(8 * PLACE);
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
