// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * The part of a device that a target maps onto: the two arguments {@code <device> <offset>} of
 * linear, error, delay and flakey.
 *
 * @param device the device below
 * @param offset first sector of the area on it
 */
public record AreaSpec(DeviceRef device, long offset) {
  /**
   * Reads the two words.
   *
   * @param devices maps the word for a device to a reference
   */
  public static AreaSpec read(String device, String offset, Function<String, DeviceRef> devices)
      throws TableException {
    return new AreaSpec(devices.apply(device), Arguments.sector(offset, "Invalid device sector"));
  }

  /** The same area of another device. */
  public AreaSpec withDevice(UnaryOperator<DeviceRef> change) {
    return new AreaSpec(change.apply(device), offset);
  }

  /** The two words, as in a table. */
  public List<String> words() {
    return List.of(device.word(), Long.toString(offset));
  }
}
