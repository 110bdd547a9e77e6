// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.concurrent.CompletionException;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

/** A store that lies is refused with what is wrong and where, and nothing is written to it. */
final class StoreRefusalTest {
  private static final long ORIGIN = 2048;

  private final StoreBytes store = new StoreBytes(64, 8).record(0, 0, 3, 2).record(0, 1, 4, 3);

  private final TestDevice origin = new TestDevice("origin", ORIGIN);

  private boolean load(TestDevice cow) {
    PersistentStore persistent =
        new PersistentStore(cow, new DeferringLock(), new StoreLayout(8), false, false);
    return persistent.load(new ExceptionTable(), origin).toCompletableFuture().join();
  }

  private void isRefused(TestDevice cow, String words) {
    byte[] before = cow.bytes().clone();
    assertThatThrownBy(() -> load(cow))
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(StoreException.class)
        .hasMessage(words);
    assertThat(cow.log()).allMatch(io -> io.startsWith("READ") || io.startsWith("FLUSH"));
    assertThat(cow.bytes()).isEqualTo(before);
  }

  private void isRefused(String words) {
    isRefused(new TestDevice("cow", store.bytes), words);
  }

  @Test
  void aGoodOneIsNot() {
    assertThat(load(new TestDevice("cow", store.bytes))).isTrue();
  }

  @Test
  void wrongMagic() {
    store.header(0x12345678);
    isRefused("Invalid or corrupt snapshot: magic 0x12345678 at byte 0 of cow is not 0x70416e53");
  }

  @Test
  void version2() {
    store.header(StoreLayout.MAGIC, 1, 2);
    isRefused("unable to handle snapshot disk version 2 (at byte 8 of cow)");
  }

  @Test
  void badChunkSizes() {
    store.header(StoreLayout.MAGIC, 1, 1, 3);
    isRefused("invalid on-disk chunk size 3: Chunk size is not a power of 2. (at byte 12 of cow)");
    store.header(StoreLayout.MAGIC, 1, 1, 1 << 31);
    isRefused("invalid on-disk chunk size 2147483648: Chunk size is too high. (at byte 12 of cow)");
    store.header(StoreLayout.MAGIC, 1, 1, 4);
    String blocks =
        "invalid on-disk chunk size 4: Chunk size is not a multiple of device blocksize."
            + " (at byte 12 of cow)";
    Limits pages = Limits.DEFAULT.withBlockSizes(4096, 4096);
    isRefused(new TestDevice("cow", store.bytes).limits(pages), blocks);
    origin.limits(pages);
    isRefused(blocks);
  }

  @Test
  void dataBeyondTheEnd() {
    store.record(0, 2, 5, 64);
    isRefused(
        "area 0 at chunk 1, record 2 (at byte 4128 of cow): data at chunk 64, beyond the end of cow at chunk 64");
    store.record(0, 2, 5, -1);
    isRefused(
        "area 0 at chunk 1, record 2 (at byte 4128 of cow): data at chunk 18446744073709551615, beyond the end of cow at"
            + " chunk 64");
  }

  @Test
  void dataInMetadata() {
    store.record(0, 2, 5, 1);
    isRefused(
        "area 0 at chunk 1, record 2 (at byte 4128 of cow): data at chunk 1, which is metadata");
    StoreBytes small = new StoreBytes(80, 1).record(0, 0, 0, 34);
    isRefused(
        new TestDevice("cow", small.bytes),
        "area 0 at chunk 1, record 0 (at byte 512 of cow): data at chunk 34, which is metadata");
  }

  @Test
  void chunkBeyondTheOrigin() {
    store.record(0, 2, ORIGIN / 8, 4);
    isRefused(
        "area 0 at chunk 1, record 2 (at byte 4128 of cow): an exception for chunk 256, beyond the origin's end at chunk"
            + " 256");
  }

  @Test
  void oneChunkTwice() {
    store.record(0, 2, 4, 9).record(0, 3, 3, 10);
    isRefused(
        "area 0 at chunk 1, record 2 (at byte 4128 of cow): a second exception for chunk 4; and 1 more");
  }

  @Test
  void oneDataChunkTwice() {
    store.record(0, 2, 9, 3);
    isRefused(
        "area 0 at chunk 1, record 2 (at byte 4128 of cow): data at chunk 3, where another exception's data is");
  }

  @Test
  void listThatIsCutOff() {
    StoreBytes small = new StoreBytes(34, 1);
    for (int i = 0; i < 32; i++) {
      small.record(0, i, i, 2 + i);
    }
    isRefused(
        new TestDevice("cow", small.bytes),
        "the list goes on in area 1 at chunk 34, beyond the end of cow at chunk 34");
  }

  @Test
  void truncatedFile() {
    isRefused(
        new TestDevice("cow", Arrays.copyOf(store.bytes, 3 * 4096)),
        "area 0 at chunk 1, record 1 (at byte 4112 of cow): data at chunk 3, beyond the end of cow at chunk 3");
    isRefused(
        new TestDevice("cow", Arrays.copyOf(store.bytes, 4096)),
        "the list goes on in area 0 at chunk 1, beyond the end of cow at chunk 1");
    isRefused(
        new TestDevice("cow", Arrays.copyOf(store.bytes, 512)),
        "cow has 1 sectors, which is less than a chunk of 8");
  }

  @Test
  void unreadable() {
    TestDevice cow = new TestDevice("cow", store.bytes);
    cow.fault(io -> io.sector() == 8 ? IoError.io(8, "broken", null) : null);
    isRefused(cow, "can't read area 0 at chunk 1: broken");
    cow.fault(io -> IoError.io(0, "broken", null));
    isRefused(cow, "can't read the header: broken");
  }
}
