// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Answers the questions of a program that may go several ways: at random, or one run after another
 * in every possible way.
 *
 * <pre>{@code
 * Choices choices = Choices.exhaustive(10, random);
 * do {
 *   run(choices);   // asks choices.next(n) as often as it likes
 * } while (choices.another());
 * }</pre>
 */
public final class Choices {
  private final SplittableRandom random;
  private final int[] answers;
  private final int[] bounds;
  private int depth;
  private final int most;
  private boolean guessed;
  private int always = -1;

  private Choices(int which) {
    this(0, new SplittableRandom(0));
    always = which;
  }

  private Choices(int most, SplittableRandom random) {
    this.most = most;
    this.random = random;
    this.answers = new int[most];
    this.bounds = new int[most];
  }

  /** Every answer is drawn from {@code random}; there is one run. */
  public static Choices random(SplittableRandom random) {
    return new Choices(0, random);
  }

  /** Every answer is the {@code which}th, or the last one if there are fewer; there is one run. */
  public static Choices always(int which) {
    return new Choices(which);
  }

  /**
   * Goes through all answers to the first {@code most} questions of a run; further ones are
   * answered at random.
   */
  public static Choices exhaustive(int most, SplittableRandom random) {
    return new Choices(most, random);
  }

  /** A number from 0 to {@code bound - 1}. */
  public int next(int bound) {
    if (always >= 0 || bound == 1) {
      return Math.clamp(always, 0, bound - 1);
    }
    if (depth >= most) {
      guessed = true;
      return random.nextInt(bound);
    }
    if (bounds[depth] == 0) {
      bounds[depth] = bound;
    } else if (bounds[depth] != bound) {
      throw new IllegalStateException("the program asks other questions than in the run before");
    }
    return answers[depth++];
  }

  /** Yes or no. */
  public boolean flip() {
    return next(2) == 1;
  }

  /** Whether no question was answered at random so far: then all runs are all there can be. */
  public boolean exhaustive() {
    return !guessed;
  }

  /** Turns to the next run; false when all have been made. */
  public boolean another() {
    depth = 0;
    for (int i = most - 1; i >= 0; i--) {
      if (bounds[i] != 0) {
        if (++answers[i] < bounds[i]) {
          return true;
        }
        answers[i] = 0;
        bounds[i] = 0;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return Arrays.toString(Arrays.copyOf(answers, depth));
  }
}
