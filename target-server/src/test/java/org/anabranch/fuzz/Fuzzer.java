// SPDX-License-Identifier: Apache-2.0
package org.anabranch.fuzz;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Replays a corpus, then tries mutations of it. A subject says in a few words what it did with an
 * input; an input that makes it say something new is mutated further, which leads deeper in.
 *
 * <pre>
 *   mvn -pl target-server -am test -Dtest='*FuzzTest' -Dsurefire.failIfNoSpecifiedTests=false
 *     -Dfuzz.seconds=300     that long for each test, and what fails becomes a file of the corpus
 *     -Dfuzz.seed=N          the same mutations again
 * </pre>
 */
public final class Fuzzer {
  /** What is fuzzed. */
  public interface Subject {
    /**
     * Takes an input, and throws if something is wrong with what came of it.
     *
     * @return what came of it, in one of not too many ways
     */
    String take(byte[] input) throws Exception;
  }

  private static final int LONGEST = 16384;
  private static final int MAX_KNOWN = 4096;
  private static final int[] INTERESTING = {0, 1, 2, 3, 7, 8, 0x0c, 0x3f, 0x40, 0x7f, 0x80, 0xff};

  private final String name;
  private final List<byte[]> words;
  private final Random random;
  private final long seed;
  private final List<byte[]> known = new ArrayList<>();
  private final Set<String> outcomes = new HashSet<>();

  /**
   * Prepares the test of this name.
   *
   * @param words what is put into inputs now and then
   */
  public Fuzzer(String name, String... words) {
    this.name = name;
    this.words = Arrays.stream(words).map(word -> word.getBytes(StandardCharsets.UTF_8)).toList();
    this.seed = Long.getLong("fuzz.seed", System.nanoTime());
    this.random = new Random(seed);
  }

  /** Replays the corpus, and then tries {@code rounds} mutations, or as long as was asked for. */
  public void run(int rounds, Subject subject) throws IOException {
    for (Map.Entry<String, byte[]> entry : new Corpus(name).inputs().entrySet()) {
      try {
        learn(entry.getValue(), subject.take(entry.getValue()));
      } catch (Exception | AssertionError e) {
        throw new AssertionError("corpus " + name + "/" + entry.getKey(), e);
      }
    }
    Integer seconds = Integer.getInteger("fuzz.seconds");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds == null ? 0 : seconds);
    long tried = 0;
    while (seconds == null ? tried < rounds : System.nanoTime() < deadline) {
      tried++;
      byte[] input = mutated();
      try {
        learn(input, subject.take(input));
      } catch (Exception | AssertionError e) {
        Path kept = new Corpus(name).keep(input, seconds != null, e);
        throw new AssertionError(
            "-Dfuzz.seed=" + seed + ", round " + tried + ", input in " + kept, e);
      }
    }
    if (seconds != null) {
      System.out.printf(
          "fuzz %s: seed %d, %d inputs, %d outcomes%n", name, seed, tried, outcomes.size());
    }
  }

  private void learn(byte[] input, String outcome) {
    if (known.size() < MAX_KNOWN && (outcomes.add(outcome) || known.isEmpty())) {
      known.add(input);
    }
  }

  private byte[] mutated() {
    byte[] input = any().clone();
    for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
      input = changed(input);
    }
    return input.length <= LONGEST ? input : Arrays.copyOf(input, LONGEST);
  }

  private byte[] any() {
    return known.get(random.nextInt(known.size()));
  }

  private byte[] changed(byte[] input) {
    int at = random.nextInt(input.length + 1);
    int length = Math.min(1 + random.nextInt(random.nextInt(4) == 0 ? 256 : 8), input.length - at);
    byte[] range = Arrays.copyOfRange(input, at, at + length);
    if (at < input.length) {
      switch (random.nextInt(4)) {
        case 0 -> {
          input[at] ^= (byte) (1 << random.nextInt(8));
          return input;
        }
        case 1 -> {
          input[at] = (byte) INTERESTING[random.nextInt(INTERESTING.length)];
          return input;
        }
        case 2 -> {
          input[at] = (byte) (input[at] + random.nextInt(5) - 2);
          return input;
        }
        default -> {}
      }
    }
    return switch (random.nextInt(5)) {
      case 0 -> spliced(input, at, length, new byte[0]);
      case 1 -> spliced(input, at, 0, range);
      case 2 -> {
        byte[] other = any();
        int from = random.nextInt(other.length + 1);
        yield spliced(input, at, length, Arrays.copyOfRange(other, from, other.length));
      }
      case 3 -> {
        byte[] noise = new byte[1 + random.nextInt(8)];
        random.nextBytes(noise);
        yield spliced(input, at, random.nextBoolean() ? 0 : length, noise);
      }
      default ->
          words.isEmpty()
              ? Arrays.copyOf(input, at)
              : spliced(
                  input,
                  at,
                  random.nextBoolean() ? 0 : length,
                  words.get(random.nextInt(words.size())));
    };
  }

  /** The input with {@code without} bytes at {@code at} replaced. */
  private static byte[] spliced(byte[] input, int at, int without, byte[] with) {
    byte[] result = new byte[input.length - without + with.length];
    System.arraycopy(input, 0, result, 0, at);
    System.arraycopy(with, 0, result, at, with.length);
    System.arraycopy(input, at + without, result, at + with.length, input.length - at - without);
    return result;
  }
}
