// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.base;

import java.util.List;
import java.util.Set;

/**
 * What is to be done around changes of volumes, such as freezing and thawing the file systems of a
 * guest. Any thread that may wait, without a turn in {@code Changes} and without a lock: what is
 * done may take long, and may read and write the volumes.
 */
public interface Hooks {
  /** What happens to volumes. */
  enum Operation {
    /** Snapshots are taken. */
    CREATE,
    /** They are rolled back; this ends when they read as their snapshots do. */
    MERGE
  }

  /** How it ended. */
  enum Outcome {
    DONE,
    NOT_DONE
  }

  /**
   * A snapshot that is taken or merged.
   *
   * @param volume its volume
   * @param device {@code volume@name}
   */
  record Subject(String volume, String device) {}

  /** Hears what happens, in words for people. Any thread; must not block for long. */
  interface Listener {
    /** Nobody listens. */
    Listener NOBODY =
        new Listener() {
          @Override
          public void runs(String what) {}

          @Override
          public void failed(String what) {}
        };

    /** This runs now, and is waited for. */
    void runs(String what);

    /** This failed, and the operation goes on, or is over already. */
    void failed(String what);
  }

  /** An operation before which something was done. */
  interface Begun {
    /** Nothing was done, and nothing is to be done. */
    Begun NOTHING = outcome -> {};

    /** Does what is to be done after it, and waits for the end. To be called once, always. */
    void after(Outcome outcome);
  }

  /** Nothing is done. */
  Hooks NONE =
      new Hooks() {
        @Override
        public boolean concerns(Operation operation, Set<String> volumes) {
          return false;
        }

        @Override
        public Begun before(Operation operation, List<Subject> subjects, Listener listener) {
          return Begun.NOTHING;
        }

        @Override
        public void close() {}
      };

  /** Whether something is to be done around an operation on one of these volumes. Any thread. */
  boolean concerns(Operation operation, Set<String> volumes);

  /**
   * Does what is to be done before an operation, and waits for the end. Where another operation on
   * one of the volumes is between its before and its after, that is waited for first.
   *
   * @param subjects no two of one volume
   * @throws RefusedException the operation must not go on; all that was begun has been undone
   */
  Begun before(Operation operation, List<Subject> subjects, Listener listener)
      throws RefusedException;

  /** Nothing begins any more; what runs before an operation is ended, and what comes after runs. */
  void close();
}
