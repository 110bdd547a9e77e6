// SPDX-License-Identifier: Apache-2.0
package org.anabranch.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.concurrent.CompletionException;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.store.ExceptionTable;
import org.anabranch.block.store.Extent;
import org.anabranch.block.store.PersistentStore;
import org.anabranch.block.store.StoreException;
import org.anabranch.block.store.StoreLayout;
import org.anabranch.block.testing.TestDevice;
import org.junit.jupiter.api.Test;

/** Any bytes at all as a COW store: it is loaded as a whole, or refused and left as it is. */
public final class StoreFuzzTest {
  private static final int SECTORS = 96;
  private static final int ORIGIN = 4096;
  private static final int CHUNK = 2;

  @Test
  void stores() throws Exception {
    new Fuzzer("stores").run(5_000, StoreFuzzTest::take);
  }

  /** The input is the start of the COW device; the rest is zeros. */
  public static String take(byte[] input) {
    TestDevice cow = new TestDevice("cow", Arrays.copyOf(input, SECTORS << 9));
    byte[] before = cow.bytes().clone();
    PersistentStore store =
        new PersistentStore(cow, new DeferringLock(), new StoreLayout(CHUNK), false, false);
    ExceptionTable table = new ExceptionTable();
    boolean valid;
    try {
      valid = store.load(table, new TestDevice("origin", ORIGIN)).toCompletableFuture().join();
    } catch (CompletionException e) {
      assertThat(e.getCause()).isInstanceOf(StoreException.class);
      assertThat(cow.bytes()).isEqualTo(before);
      return String.valueOf(e.getMessage()).replaceAll("[0-9]+", "n");
    }
    if (!valid) {
      return "invalid";
    }
    checkTable(table, store);
    return "loaded " + store.chunkSectors() + " " + Long.bitCount(store.exceptions());
  }

  /** All exceptions are within both devices, and there are as many as the store counts. */
  private static void checkTable(ExceptionTable table, PersistentStore store) {
    long chunks = 0;
    Extent extent = new Extent();
    long from = 0;
    while (table.next(from, extent)) {
      chunks += extent.length();
      from = extent.oldChunk() + extent.length();
      assertThat((from - 1) * store.chunkSectors()).isLessThan(ORIGIN);
      assertThat((extent.newChunk() + extent.length()) * store.chunkSectors())
          .isLessThanOrEqualTo(SECTORS);
    }
    assertThat(table.chunks()).isEqualTo(chunks);
    assertThat(store.exceptions()).isEqualTo(chunks);
  }
}
