// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import static org.assertj.core.api.Assertions.assertThat;

import org.anabranch.block.IoError;
import org.anabranch.block.snapshot.Golden;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

final class StoreReportTest {
  private static StoreReport report(TestDevice cow) {
    return StoreReport.read(cow, 2048).toCompletableFuture().join();
  }

  @Test
  void tellsWhatLinuxWrote() {
    StoreReport report = report(new TestDevice("cow", Golden.image("p8.before.cow")));
    assertThat(report.sound()).isTrue();
    assertThat(report.exceptions()).isEqualTo(22);
    assertThat(report.areas()).isEqualTo(1);
    assertThat(report.status()).isEqualTo("192/1024 16");
    assertThat(report.runs()).contains(new StoreReport.Run(0, 1, 10, 3, 8));
    StoreReport manyAreas = report(new TestDevice("cow", Golden.image("p1.before.cow")));
    assertThat(manyAreas.areas()).isEqualTo(4);
    assertThat(manyAreas.status()).isEqualTo("104/256 5");
    StoreReport invalid = report(new TestDevice("cow", Golden.image("p8invalid.before.cow")));
    assertThat(invalid.status()).isEqualTo("Invalid");
    assertThat(invalid.exceptions()).isEqualTo(14);
    assertThat(report(new TestDevice("cow", 16)).status()).isEqualTo("new");
  }

  @Test
  void tellsAllThatIsWrong() {
    StoreBytes store =
        new StoreBytes(64, 8).record(0, 0, 3, 2).record(0, 1, 3, 1).record(0, 2, 3, 9);
    StoreReport report = report(new TestDevice("cow", store.bytes));
    assertThat(report.problems())
        .containsExactly(
            "area 0 at chunk 1, record 1: data at chunk 1, which is metadata",
            "area 0 at chunk 1, record 2: a second exception for chunk 3");
    assertThat(report.status()).isEqualTo("unusable");
    store.header(7);
    assertThat(report(new TestDevice("cow", store.bytes)).problems()).hasSize(1);
  }

  @Test
  void listOfProblemsIsBounded() {
    StoreBytes store = new StoreBytes(64, 8);
    for (int i = 0; i < 200; i++) {
      store.record(0, i, i, 1000 + 2L * i);
    }
    StoreReport report = report(new TestDevice("cow", store.bytes));
    assertThat(report.problemCount()).isEqualTo(200);
    assertThat(report.problems()).hasSize(StoreReport.MAX_PROBLEMS);
  }

  @Test
  void unreadableAreaIsAProblem() {
    TestDevice cow = new TestDevice("cow", Golden.image("p8.before.cow"));
    cow.fault(io -> io.sector() == 8 ? IoError.io(8, "broken", null) : null);
    assertThat(report(cow).problems()).containsExactly("can't read area 0 at chunk 1: broken");
  }
}
