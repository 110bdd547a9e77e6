// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A target as a table describes it: its type and its arguments, as a value. Each type has a record
 * of its own, beside its target; nothing is opened or checked against devices before a table is
 * loaded. Two are equal when they describe the same target of the same devices.
 */
public interface TargetSpec {
  /** The type's name, such as {@code linear}. */
  String type();

  /** The devices that it stands on, in the order of its arguments. */
  List<DeviceRef> devices();

  /** The same target of other devices: each of {@link #devices} is replaced. */
  TargetSpec withDevices(UnaryOperator<DeviceRef> change);

  /** The arguments as words of a table's text, not quoted. */
  List<String> words();
}
