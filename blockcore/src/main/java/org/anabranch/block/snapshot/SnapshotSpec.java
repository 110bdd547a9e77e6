// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.List;
import java.util.function.UnaryOperator;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TargetSpec;

/** {@code snapshot origin cow P|PO|N chunk [count feature...]}: see {@code SnapshotTarget}. */
public record SnapshotSpec(CowArguments arguments) implements TargetSpec {
  @Override
  public String type() {
    return "snapshot";
  }

  @Override
  public List<DeviceRef> devices() {
    return arguments.devices();
  }

  @Override
  public SnapshotSpec withDevices(UnaryOperator<DeviceRef> change) {
    return new SnapshotSpec(arguments.withDevices(change));
  }

  @Override
  public List<String> words() {
    return arguments.words();
  }
}
