// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A target as a table describes it: its type and its arguments, as a value. Each type has its own
 * record, next to its target. Nothing is opened or checked against devices before a table is
 * loaded. Two specs are equal if they describe the same target on the same devices.
 */
public interface TargetSpec {
  /** The type's name, such as {@code linear}. */
  String type();

  /** The devices below, in the order of the arguments. */
  List<DeviceRef> devices();

  /** The same target with each of {@link #devices} replaced. */
  TargetSpec withDevices(UnaryOperator<DeviceRef> change);

  /** The arguments as words of a table's text, unquoted. */
  List<String> words();
}
