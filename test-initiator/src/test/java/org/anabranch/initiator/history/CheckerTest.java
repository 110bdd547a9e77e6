// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Histories made by hand, wrong ones and right ones that differ from them by little. */
final class CheckerTest {
  private static void right(String history) {
    assertThat(Checker.check(Event.parseAll(history))).as(history).isEmpty();
  }

  /** The last event is what is wrong. */
  private static Violation wrong(String history) {
    List<Event> events = Event.parseAll(history);
    Violation violation = Checker.check(events).orElseThrow(() -> new AssertionError(history));
    assertThat(violation.event()).as(violation.text()).isEqualTo(events.size());
    return violation;
  }

  @Test
  void aLostWrite() {
    String history =
        """
        disk a 8
        write 1.1 a 2 2
        done 1.1
        read 2.1 a 0 4
        """;
    right(history + "saw 2.1 0x2 1.1x2");
    assertThat(wrong(history + "saw 2.1 0x2 1.1 0").text()).startsWith("a, block 3 reads as 0;");
  }

  /** What was answered is in the page cache, which outlives the process. */
  @Test
  void aWriteLostInAKill() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        done 1.1
        write 1.2 a 1 1
        killed
        read 2.1 a 0 2
        """;
    right(history + "saw 2.1 1.1 0");
    right(history + "saw 2.1 1.1 1.2");
    wrong(history + "saw 2.1 0 0");
  }

  @Test
  void aStaleRead() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        done 1.1
        write 1.2 a 0 1
        done 1.2
        read 2.1 a 0 1
        """;
    right(history + "saw 2.1 1.2");
    assertThat(wrong(history + "saw 2.1 1.1").text()).contains("overwritten");
  }

  /** The new value was seen by one reader, so no later one may see the old. */
  @Test
  void aReadThatGoesBack() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        read 2.1 a 0 1
        saw 2.1 1.1
        read 2.2 a 0 1
        """;
    right(history + "saw 2.2 1.1");
    wrong(history + "saw 2.2 0");
  }

  @Test
  void aResurrectedWrite() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        killed
        write 1.2 a 0 1
        done 1.2
        read 2.1 a 0 1
        saw 2.1 1.2
        read 2.2 a 0 1
        """;
    right(history + "saw 2.2 1.2");
    wrong(history + "saw 2.2 1.1");
  }

  /** It was not there after the restart, so it never comes. */
  @Test
  void anUnansweredWriteThatComesLate() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        killed
        read 2.1 a 0 1
        saw 2.1 0
        read 2.2 a 0 1
        """;
    right(history + "saw 2.2 0");
    wrong(history + "saw 2.2 1.1");
  }

  @Test
  void aTornBlock() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        %s
        read 2.1 a 0 1
        saw 2.1 ? ! LUN 0, sector 0, write 7, torn
        """;
    assertThat(wrong(history.formatted("done 1.1")).text())
        .contains("reads as ?, LUN 0, sector 0, write 7, torn;");
    wrong(history.formatted("killed"));
    wrong(history.formatted("failed 1.1"));
    wrong(history.formatted("").replace("write 1.1 a 0 1", "write 1.1 a 1 1"));
  }

  /** The write is not over, so a page can be half old and half new for this reader. */
  @Test
  void aBlockThatIsBeingWrittenMayBeAMixture() {
    right(
        """
        disk a 8
        write 1.1 a 0 1
        read 2.1 a 0 1
        saw 2.1 ? ! mixed
        done 1.1
        read 2.2 a 0 1
        saw 2.2 1.1
        """);
  }

  @Test
  void theBlockOfAnotherPlace() {
    String history =
        """
        disk a 8
        disk b 8
        write 1.1 a 4 1
        done 1.1
        read 2.1 %s 3 1
        saw 2.1 1.1
        """;
    wrong(history.formatted("a"));
    wrong(history.formatted("b"));
  }

  @Test
  void aReadOfTheFuture() {
    wrong(
        """
        disk a 8
        read 2.1 a 0 1
        saw 2.1 1.1
        """);
  }

  @Test
  void aSnapshotThatChanged() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        done 1.1
        copy 3.1 s=a
        done 3.1
        write 1.2 a 0 1
        done 1.2
        read 2.1 s 0 1
        """;
    right(history + "saw 2.1 1.1");
    wrong(history + "saw 2.1 1.2");
    wrong(history + "saw 2.1 0");
  }

  /** A write beside the request is in it or not, but always the same. */
  @Test
  void aSnapshotThatCannotDecide() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        copy 3.1 s=a
        done 3.1
        done 1.1
        read 2.1 s 0 1
        saw 2.1 0
        read 2.2 s 0 1
        """;
    right(history + "saw 2.2 0");
    wrong(history + "saw 2.2 1.1");
    right(history.replace("saw 2.1 0", "saw 2.1 1.1") + "saw 2.2 1.1");
  }

  @Test
  void aSnapshotOfTwoInstants() {
    String history =
        """
        disk a 8
        disk b 8
        copy 3.1 s=a t=b
        write 1.1 a 0 1
        done 1.1
        write 1.2 b 0 1
        done 1.2
        done 3.1
        read 2.1 t 0 1
        saw 2.1 1.2
        read 2.2 s 0 1
        """;
    right(history + "saw 2.2 1.1");
    assertThat(wrong(history + "saw 2.2 0").text()).contains("s and t was not taken at one");
    right(history.replace("saw 2.1 1.2", "saw 2.1 0") + "saw 2.2 0");
    right(history.replace("saw 2.1 1.2", "saw 2.1 0") + "saw 2.2 1.1");
  }

  @Test
  void aSnapshotThatMissesWhatWasAnsweredBefore() {
    wrong(
        """
        disk a 8
        write 1.1 a 5 1
        done 1.1
        copy 3.1 s=a
        done 3.1
        read 2.1 s 5 1
        saw 2.1 0
        """);
  }

  @Test
  void aSnapshotIsADiskOfItsOwn() {
    String history =
        """
        disk a 8
        copy 3.1 s=a
        done 3.1
        write 1.1 s 0 1
        done 1.1
        """;
    right(history + "read 2.1 s 0 2\nsaw 2.1 1.1 0\nread 2.2 a 0 1\nsaw 2.2 0");
    wrong(history + "read 2.1 a 0 1\nsaw 2.1 1.1");
    wrong(history + "read 2.1 s 0 1\nsaw 2.1 0");
  }

  private static final String ROLLBACK =
      """
      disk a 8
      write 1.1 a 0 1
      done 1.1
      copy 3.1 s=a
      done 3.1
      write 1.2 a 0 1
      done 1.2
      rollback 3.2 a=s
      """;

  @Test
  void aRollback() {
    right(ROLLBACK + "read 2.1 a 0 1\nsaw 2.1 1.2\ndone 3.2");
    right(ROLLBACK + "read 2.1 a 0 1\nsaw 2.1 1.1\ndone 3.2");
    right(ROLLBACK + "done 3.2\nread 2.1 a 0 1\nsaw 2.1 1.1");
    wrong(ROLLBACK + "done 3.2\nread 2.1 a 0 1\nsaw 2.1 1.2");
    wrong(ROLLBACK + "done 3.2\nread 2.1 a 0 1\nsaw 2.1 0");
  }

  @Test
  void whatIsWrittenAfterARollbackStays() {
    String history = ROLLBACK + "done 3.2\nwrite 1.3 a 0 1\ndone 1.3\nread 2.1 a 0 1\n";
    right(history + "saw 2.1 1.3");
    wrong(history + "saw 2.1 1.1");
    wrong(history + "saw 2.1 1.2");
  }

  @Test
  void aRollbackThatWasRefusedChangesNothing() {
    right(ROLLBACK + "refused 3.2\nread 2.1 a 0 1\nsaw 2.1 1.2");
    wrong(ROLLBACK + "refused 3.2\nread 2.1 a 0 1\nsaw 2.1 1.1");
  }

  /** A kill ends writes; a rollback that was not answered may be there after the restart. */
  @ParameterizedTest
  @ValueSource(strings = {"1.1", "1.2"})
  void aRollbackOverAKill(String value) {
    right(ROLLBACK + "killed\nread 2.1 a 0 1\nsaw 2.1 " + value);
  }

  /**
   * A rollback without an answer may begin after a power cut, which has taken from the snapshot
   * what was not flushed. One that was answered had all of it.
   */
  @Test
  void aRollbackOverAPowerCut() {
    String before =
        """
        disk a 8
        write 1.1 a 0 1
        done 1.1
        flush 1.3 a
        done 1.3
        copy 3.1 s=a
        done 3.1
        write 1.2 a 0 1
        done 1.2
        write 1.4 s 0 1
        done 1.4
        rollback 3.2 a=s
        """;
    String read = "read 2.1 a 0 1\n";
    right(before + "power-cut\ndone 3.2\n" + read + "saw 2.1 1.4");
    right(before + "power-cut\ndone 3.2\n" + read + "saw 2.1 1.1");
    wrong(before + "power-cut\ndone 3.2\n" + read + "saw 2.1 1.2");
    right(before + "done 3.2\npower-cut\n" + read + "saw 2.1 1.4");
    wrong(before + "done 3.2\npower-cut\n" + read + "saw 2.1 1.1");
  }

  /** The snapshot may have one of two values; what was there before is gone in any case. */
  @Test
  void aRollbackToWhatNobodyHasRead() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        copy 3.1 s=a
        done 3.1
        done 1.1
        write 1.2 a 0 1
        done 1.2
        rollback 3.2 a=s
        done 3.2
        read 2.1 a 0 1
        """;
    right(history + "saw 2.1 0");
    right(history + "saw 2.1 1.1");
    wrong(history + "saw 2.1 1.2");
    wrong(history + "saw 2.1 0\nread 2.2 a 0 1\nsaw 2.2 1.1");
  }

  @Test
  void aPowerCutTakesOnlyWhatWasNotFlushed() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        done 1.1
        flush 1.2 a
        done 1.2
        write 1.3 a 0 1
        done 1.3
        write 1.4 a 1 1 fua
        done 1.4
        power-cut
        read 2.1 a 0 2
        """;
    right(history + "saw 2.1 1.1 1.4");
    right(history + "saw 2.1 1.3 1.4");
    wrong(history + "saw 2.1 0 1.4");
    wrong(history + "saw 2.1 1.1 0");
    wrong(history + "saw 2.1 1.1 1.4\nread 2.2 a 0 1\nsaw 2.2 1.3");
    wrong(history.replace("power-cut", "killed") + "saw 2.1 1.1 1.4");
  }

  @Test
  void aPowerCutTakesNothingFromASnapshotThatWasAnswered() {
    String history =
        """
        disk a 8
        write 1.1 a 0 1
        done 1.1
        copy 3.1 s=a
        done 3.1
        power-cut
        read 2.1 s 0 1
        """;
    right(history + "saw 2.1 1.1");
    wrong(history + "saw 2.1 0");
  }

  @Test
  void aDiskThatGrewReadsAsZeros() {
    String history = "disk a 2\ngrown a 4\nread 2.1 a 0 4\n";
    right(history + "saw 2.1 0x4");
    wrong(history + "saw 2.1 0x3 ?");
  }

  @Test
  void aLogThatCannotBeRightIsNoVerdict() {
    assertThatThrownBy(() -> Checker.check(Event.parseAll("disk a 2\ndisk a 2")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Checker.check(Event.parseAll("write 1.1 a 0 1")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Event.parse("write 1.1 a 0"))
        .hasMessageContaining("not an event: write 1.1 a 0");
  }
}
