// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.anabranch.block.dm.Arguments;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;

/**
 * The arguments of {@code snapshot} and {@code snapshot-merge}, parsed as Linux parses them:
 *
 * <pre>
 *   origin cow P|PO|N chunk-sectors [count discard_zeroes_cow discard_passdown_origin merged_origin]
 * </pre>
 *
 * The type may be in lower case. Only its first letter is significant, and for {@code P} the second
 * one. Chunk size 0 means the default for {@code P} and {@code PO}: 32 sectors, or a block of the
 * COW device if that is larger.
 *
 * @param origin the device that is preserved
 * @param cow the device that stores the differences
 * @param persistence whether exceptions survive a restart, and what a full store does
 * @param chunkSectors sectors copied at once; 0 for the default
 * @param discardZeroesCow whether a discard turns chunks of the store into zeros
 * @param discardPassdownOrigin whether a discard is passed to the origin for other chunks; only
 *     with {@code discardZeroesCow}
 * @param mergedOrigin whether the origin is what its merge makes it read as, until that merge has
 *     come to its end; not with {@code discardPassdownOrigin}, and not in Linux
 */
public record CowArguments(
    DeviceRef origin,
    DeviceRef cow,
    Persistence persistence,
    int chunkSectors,
    boolean discardZeroesCow,
    boolean discardPassdownOrigin,
    boolean mergedOrigin) {

  /** The word {@code P}, {@code PO} or {@code N} in a table. */
  public enum Persistence {
    /** Exceptions are stored on the COW device; a full store invalidates the snapshot. */
    P,
    /** Exceptions are stored on the COW device; a full store stays readable. */
    PO,
    /** Exceptions are stored in memory only. */
    N
  }

  public CowArguments {
    if (chunkSectors < 0
        || (discardPassdownOrigin && !discardZeroesCow)
        || (discardPassdownOrigin && mergedOrigin)) {
      throw new IllegalArgumentException("chunk of " + chunkSectors + " sectors, or features");
    }
  }

  /** A persistent store without features. */
  public CowArguments(DeviceRef origin, DeviceRef cow, int chunkSectors) {
    this(origin, cow, Persistence.P, chunkSectors, false, false, false);
  }

  /** The same as of what the origin's merge makes it read as. */
  public CowArguments ofMergedOrigin() {
    return new CowArguments(
        origin, cow, persistence, chunkSectors, discardZeroesCow, discardPassdownOrigin, true);
  }

  private static final String BAD_STORE = "Couldn't create exception store";
  private static final String BAD_COUNT = "Invalid number of feature arguments";

  /**
   * Parses the arguments of a table.
   *
   * @param devices maps the words for devices to references
   */
  public static CowArguments read(List<String> words, Function<String, DeviceRef> devices)
      throws TableException {
    if (words.size() < 4) {
      throw new TableException("requires 4 or more arguments");
    }
    boolean zeroes = false;
    boolean passdown = false;
    boolean merged = false;
    if (words.size() > 4) {
      int count = (int) Arguments.number(words.get(4), 0, 3, BAD_COUNT);
      if (words.size() != 5 + count) {
        throw new TableException(BAD_COUNT);
      }
      for (String feature : words.subList(5, words.size())) {
        switch (feature) {
          case "discard_zeroes_cow" -> zeroes = true;
          case "discard_passdown_origin" -> passdown = true;
          case "merged_origin" -> merged = true;
          default -> throw new TableException("Unrecognised feature requested: " + feature);
        }
      }
      if (passdown && !zeroes) {
        throw new TableException("discard_passdown_origin feature depends on discard_zeroes_cow");
      }
      if (passdown && merged) {
        throw new TableException("merged_origin and discard_passdown_origin exclude each other");
      }
    }
    int chunk =
        (int)
            Arguments.number(
                words.get(3), 0, Integer.MAX_VALUE, BAD_STORE + ": Invalid chunk size");
    return new CowArguments(
        devices.apply(words.get(0)),
        devices.apply(words.get(1)),
        persistence(words.get(2)),
        chunk,
        zeroes,
        passdown,
        merged);
  }

  private static Persistence persistence(String word) throws TableException {
    String upper = word.toUpperCase(Locale.ROOT);
    if (upper.startsWith("N")) {
      return Persistence.N;
    }
    if (!upper.startsWith("P")) {
      throw new TableException(BAD_STORE + ": Exception store type is not P, PO or N: " + word);
    }
    if (upper.length() > 1 && upper.charAt(1) != 'O') {
      throw new TableException(
          BAD_STORE + ": Unsupported persistent store option: " + word.substring(1));
    }
    return upper.length() > 1 ? Persistence.PO : Persistence.P;
  }

  /** Whether a full store stays readable. */
  public boolean overflows() {
    return persistence == Persistence.PO;
  }

  /** These arguments for other devices. */
  CowArguments withDevices(UnaryOperator<DeviceRef> change) {
    return new CowArguments(
        change.apply(origin),
        change.apply(cow),
        persistence,
        chunkSectors,
        discardZeroesCow,
        discardPassdownOrigin,
        mergedOrigin);
  }

  List<DeviceRef> devices() {
    return List.of(origin, cow);
  }

  List<String> words() {
    List<String> words =
        new ArrayList<>(
            List.of(origin.word(), cow.word(), persistence.name(), Integer.toString(chunkSectors)));
    List<String> features = new ArrayList<>();
    if (discardZeroesCow) {
      features.add("discard_zeroes_cow");
    }
    if (discardPassdownOrigin) {
      features.add("discard_passdown_origin");
    }
    if (mergedOrigin) {
      features.add("merged_origin");
    }
    if (!features.isEmpty()) {
      words.add(Integer.toString(features.size()));
      words.addAll(features);
    }
    return words;
  }
}
