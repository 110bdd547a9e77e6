// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.List;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Scheduler;

/** A kind of target by the name that tables use, such as {@code linear}. */
public interface TargetType {
  /** The word in a table line. */
  String name();

  /** The target type's version as {@code dmsetup targets} prints it, such as {@code v1.16.0}. */
  String version();

  /**
   * Makes a target from a table line's arguments, reading what it must from its devices.
   *
   * @return the target; or a {@link TableException} with the reason for a refusal. A refused create
   *     has written nothing and keeps nothing open.
   */
  CompletionStage<Target> create(Context context, List<String> arguments);

  /** What a constructor is given. */
  interface Context {
    /** Name of the mapped device whose table this row belongs to. */
    String deviceName();

    /** The row's first sector on the mapped device. */
    long begin();

    /** The row's length in sectors. */
    long length();

    /**
     * Opens a device by its argument: a mapped device's or volume's name, or a path. The same
     * argument gives the same object while it is open, whoever asks. It is released with the
     * target.
     *
     * @throws TableException when there is no such device
     */
    BlockDevice open(String argument) throws TableException;

    /** Clock and executor. */
    Scheduler scheduler();

    /** Raises the device's event number, which {@code dmsetup wait} waits for. Any thread. */
    void event();
  }
}
