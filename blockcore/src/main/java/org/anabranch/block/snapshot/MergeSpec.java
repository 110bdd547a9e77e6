// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import java.util.List;
import java.util.function.UnaryOperator;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TargetSpec;

/** {@code snapshot-merge origin cow P|PO chunk [count feature...]}: see {@code MergeTarget}. */
public record MergeSpec(CowArguments arguments) implements TargetSpec {
  /** Rolls the origin of {@code snapshot} back to it. */
  public MergeSpec(SnapshotSpec snapshot) {
    this(snapshot.arguments());
  }

  @Override
  public String type() {
    return "snapshot-merge";
  }

  @Override
  public List<DeviceRef> devices() {
    return arguments.devices();
  }

  @Override
  public MergeSpec withDevices(UnaryOperator<DeviceRef> change) {
    return new MergeSpec(arguments.withDevices(change));
  }

  @Override
  public List<String> words() {
    return arguments.words();
  }
}
