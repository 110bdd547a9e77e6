// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.List;
import java.util.Locale;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.DeferringLock;
import org.anabranch.block.Limits;
import org.anabranch.block.dm.Arguments;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.store.ChunkSize;
import org.anabranch.block.store.ExceptionStore;
import org.anabranch.block.store.PersistentStore;
import org.anabranch.block.store.StoreLayout;
import org.anabranch.block.store.TransientStore;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of {@code snapshot} and {@code snapshot-merge}, read as Linux reads them:
 *
 * <pre>
 *   origin cow P|PO|N chunk-sectors [count discard_zeroes_cow discard_passdown_origin]
 * </pre>
 *
 * The type may be in lower case, and only its first letter, for {@code P} its second, counts. Chunk
 * size 0 is the default for {@code P} and {@code PO}: 32 sectors, or the COW device's block if that
 * is larger.
 *
 * @param type P, PO or N
 */
record CowArguments(
    String origin,
    String cow,
    String type,
    int chunkSectors,
    boolean discardZeroesCow,
    boolean discardPassdownOrigin) {

  private static final String BAD_STORE = "Couldn't create exception store";
  private static final String BAD_COUNT = "Invalid number of feature arguments";

  static CowArguments parse(List<String> words) throws TableException {
    if (words.size() < 4) {
      throw new TableException("requires 4 or more arguments");
    }
    boolean zeroes = false;
    boolean passdown = false;
    if (words.size() > 4) {
      int count = (int) Arguments.number(words.get(4), 0, 2, BAD_COUNT);
      if (words.size() != 5 + count) {
        throw new TableException(BAD_COUNT);
      }
      for (String feature : words.subList(5, words.size())) {
        switch (feature) {
          case "discard_zeroes_cow" -> zeroes = true;
          case "discard_passdown_origin" -> passdown = true;
          default -> throw new TableException("Unrecognised feature requested: " + feature);
        }
      }
      if (passdown && !zeroes) {
        throw new TableException("discard_passdown_origin feature depends on discard_zeroes_cow");
      }
    }
    int chunk =
        (int)
            Arguments.number(
                words.get(3), 0, Integer.MAX_VALUE, BAD_STORE + ": Invalid chunk size");
    return new CowArguments(
        words.get(0), words.get(1), type(words.get(2)), chunk, zeroes, passdown);
  }

  private static String type(String word) throws TableException {
    String upper = word.toUpperCase(Locale.ROOT);
    if (upper.startsWith("N")) {
      return "N";
    }
    if (!upper.startsWith("P")) {
      throw new TableException(BAD_STORE + ": Exception store type is not P, PO or N: " + word);
    }
    if (upper.length() > 1 && upper.charAt(1) != 'O') {
      throw new TableException(
          BAD_STORE + ": Unsupported persistent store option: " + word.substring(1));
    }
    return upper.length() > 1 ? "PO" : "P";
  }

  /** A store as the arguments ask for; not loaded yet. */
  ExceptionStore store(BlockDevice originDevice, BlockDevice cowDevice, DeferringLock lock)
      throws TableException {
    Limits cowLimits = cowDevice.limits();
    int chunk = chunkSectors;
    if (chunk == 0) {
      if (type.equals("N")) {
        throw new TableException("Chunk size not set");
      }
      chunk = ChunkSize.byDefault(cowLimits);
    }
    String wrong = ChunkSize.wrong(chunk, cowLimits, originDevice.limits());
    if (wrong != null) {
      throw new TableException(BAD_STORE + ": chunk of " + chunk + " sectors: " + wrong);
    }
    return type.equals("N")
        ? new TransientStore(cowDevice, lock, chunk)
        : new PersistentStore(
            cowDevice, lock, new StoreLayout(chunk), chunkSectors == 0, overflows());
  }

  /** Whether a full store is to keep what it has. */
  boolean overflows() {
    return type.equals("PO");
  }

  /** What tables print behind the devices, with what a store says of itself. */
  String table(@Nullable ExceptionStore store) {
    return (store == null ? type : store.type())
        + " "
        + (store == null ? 0 : store.chunkSectors())
        + features();
  }

  private String features() {
    if (!discardZeroesCow) {
      return "";
    }
    return discardPassdownOrigin
        ? " 2 discard_zeroes_cow discard_passdown_origin"
        : " 1 discard_zeroes_cow";
  }
}
