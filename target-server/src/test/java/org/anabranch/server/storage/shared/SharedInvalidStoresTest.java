// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.shared;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

/** The record of invalid stores that an image carries. */
final class SharedInvalidStoresTest {
  private final FakeSharedImage image = new FakeSharedImage("one");
  private final SharedImage owner = image.at("one");

  /** Stores whose names begin with "other" belong to no image. */
  private final SharedInvalidStores records =
      new SharedInvalidStores(
          store -> store.startsWith("other") ? null : owner, InvalidStores.NOT_KEPT);

  private static BlockDevice store(String name) {
    return new TestDevice(name, 8);
  }

  private static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @Test
  void recordsThatAreMadeAtOnceAreAllKept() throws Exception {
    List<CompletionStage<?>> all = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      all.add(records.add(store("pool/s" + i)));
      all.add(records.add(store("pool/s" + i)));
    }
    for (CompletionStage<?> each : all) {
      get(each);
    }
    for (int i = 0; i < 100; i++) {
      assertThat(get(records.contains(store("pool/s" + i)))).isTrue();
    }
    assertThat(String.valueOf(image.labels.get(SharedImage.INVALID_STORES)).lines()).hasSize(100);
  }

  @Test
  void aDeletedStoreIsForgottenAndNoOther() throws Exception {
    get(records.add(store("pool/s1")));
    get(records.add(store("pool/s11")));
    SharedInvalidStores.remove(owner, "pool/s1");
    SharedInvalidStores.remove(owner, "pool/s2"); // has no record
    assertThat(get(records.contains(store("pool/s1")))).isFalse();
    assertThat(get(records.contains(store("pool/s11")))).isTrue();
  }

  @Test
  void aServerThatIsShutOutNeitherReadsNorMakesARecord() throws Exception {
    get(records.add(store("pool/s")));
    image.owner = "two";
    assertThatThrownBy(() -> get(records.contains(store("pool/s"))))
        .hasMessageContaining("another server has the image");
    assertThatThrownBy(() -> get(records.add(store("pool/t"))))
        .hasMessageContaining("another server has the image");
    assertThat(image.labels.get(SharedImage.INVALID_STORES)).isEqualTo("pool/s\n");
  }

  @Test
  void storesOfNoImageAreRecordedElsewhere() throws Exception {
    get(records.add(store("other/s")));
    assertThat(get(records.contains(store("other/s")))).isFalse(); // NOT_KEPT
    assertThat(image.labels).isEmpty();
  }
}
