// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm.flakey;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.anabranch.block.dm.Arguments;
import org.anabranch.block.dm.TableException;
import org.jspecify.annotations.Nullable;

/**
 * What a flakey target does while it is down.
 *
 * @param dropWrites writes are dropped and succeed
 * @param errorWrites writes fail
 * @param errorReads reads fail
 * @param corruption a byte that is overwritten in requests; may be null
 */
public record Features(
    boolean dropWrites, boolean errorWrites, boolean errorReads, @Nullable Corruption corruption) {

  /** The largest number of words after the count. */
  private static final int MAX_WORDS = 8;

  /** Reads {@code [count word...]}. Without a feature, reads and writes fail. */
  static Features parse(List<String> arguments) throws TableException {
    if (arguments.isEmpty()) {
      return new Features(false, true, true, null);
    }
    long count = Arguments.number(arguments.get(0), 0, MAX_WORDS, "Invalid number of feature args");
    if (count != arguments.size() - 1) {
      throw new TableException(
          count > arguments.size() - 1
              ? "Insufficient feature arguments"
              : "Invalid number of feature args: " + count + ", but there are more");
    }
    if (count == 0) {
      return new Features(false, true, true, null);
    }
    return words(arguments.subList(1, arguments.size()).iterator());
  }

  private static Features words(Iterator<String> words) throws TableException {
    boolean dropWrites = false;
    boolean errorWrites = false;
    boolean errorReads = false;
    Corruption corruption = null;
    while (words.hasNext()) {
      String word = words.next();
      switch (word) {
        case "drop_writes" -> {
          once(word, dropWrites);
          dropWrites = true;
        }
        case "error_writes" -> {
          once(word, errorWrites);
          errorWrites = true;
        }
        case "error_reads" -> {
          once(word, errorReads);
          errorReads = true;
        }
        case "corrupt_bio_byte" -> {
          once(word, corruption != null);
          corruption = Corruption.parse(words);
        }
        default -> throw new TableException("Unrecognised flakey feature requested: " + word);
      }
    }
    if (dropWrites && errorWrites) {
      throw new TableException("Feature drop_writes conflicts with feature error_writes");
    }
    if (corruption != null && corruption.write() && (dropWrites || errorWrites)) {
      throw new TableException(
          (dropWrites ? "drop_writes" : "error_writes")
              + " is incompatible with corrupt_bio_byte with the WRITE flag set");
    }
    if (corruption != null && !corruption.write() && errorReads) {
      throw new TableException(
          "error_reads is incompatible with corrupt_bio_byte with the READ flag set");
    }
    return new Features(dropWrites, errorWrites, errorReads, corruption);
  }

  private static void once(String word, boolean before) throws TableException {
    if (before) {
      throw new TableException("Feature " + word + " duplicated");
    }
  }

  /** {@code count word...}, including the features that apply when none was given. */
  List<String> words() {
    List<String> words = new ArrayList<>();
    if (errorReads) {
      words.add("error_reads");
    }
    if (dropWrites) {
      words.add("drop_writes");
    }
    if (errorWrites) {
      words.add("error_writes");
    }
    if (corruption != null) {
      words.addAll(corruption.words());
    }
    words.addFirst(Integer.toString(words.size()));
    return words;
  }
}
