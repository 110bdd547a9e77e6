// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.anabranch.block.BlockDevice;
import org.anabranch.block.Scheduler;
import org.anabranch.block.count.Counts;

/** A kind of target, with the name that tables use, such as {@code linear}. */
public interface TargetType {
  /** The word in a table line. */
  String name();

  /** The target type's version as {@code dmsetup targets} prints it, such as {@code v1.16.0}. */
  String version();

  /**
   * Reads a table line's arguments. Opens nothing.
   *
   * @param words the arguments without quoting
   * @param devices what a word means where a device is wanted
   * @throws TableException with the reason for a refusal
   */
  TargetSpec read(List<String> words, Function<String, DeviceRef> devices) throws TableException;

  /**
   * Makes a target, reading what it must from its devices.
   *
   * @param spec of the class that {@link #read} gives
   * @return the target, or what follows also as the failure of the stage
   * @throws TableException with the reason for a refusal. A refused create has written nothing and
   *     keeps nothing open.
   */
  CompletionStage<Target> create(Context context, TargetSpec spec) throws TableException;

  /** What a target's constructor is given. */
  interface Context {
    /** The name of the mapped device whose table contains the row. */
    String deviceName();

    /** The row's first sector on the mapped device. */
    long begin();

    /** The row's length in sectors. */
    long length();

    /**
     * Opens a device, which is released with the target. While a device is open, every caller gets
     * the same object.
     *
     * @throws TableException if there is no such device
     */
    BlockDevice open(DeviceRef device) throws TableException;

    /**
     * How a table refers to a device that was opened here: by its current name, or by the path that
     * opened it. Any thread.
     */
    DeviceRef reference(BlockDevice device);

    /** Clock and executor. */
    Scheduler scheduler();

    /** The mapped device's counters, to which a target adds its own. They outlive the table. */
    Counts counts();

    /** Raises the device's event number, which {@code dmsetup wait} waits for. Any thread. */
    void event();
  }
}
