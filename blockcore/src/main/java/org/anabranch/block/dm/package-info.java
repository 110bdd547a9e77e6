// SPDX-License-Identifier: Apache-2.0
/**
 * Mapped devices: tables of targets, and the life cycle of {@code dmsetup}.
 *
 * <p><b>A table is a value.</b> A {@link org.anabranch.block.dm.TableSpec} has a row for each
 * target, and a row has the target's arguments as a record of its type. A device argument is a
 * {@link org.anabranch.block.dm.DeviceRef}: a name or a path, which are never mistaken for each
 * other. Code makes, loads and compares tables like this:
 *
 * <pre>{@code
 * DeviceMapper mapper = new DeviceMapper(scheduler, new FileOpener(), TargetTypes.standard());
 * DeviceRef image = DeviceRef.at(Path.of("/srv/vm1.img"));
 * DeviceRef store = DeviceRef.at(Path.of("/srv/vm1.cow"));
 * SnapshotSpec snapshot = new SnapshotSpec(new CowArguments(image, store, 32));
 *
 * mapper.create("vm1", TableSpec.of(sectors, new OriginSpec(image)));
 * mapper.create("vm1@before", TableSpec.of(sectors, snapshot));
 * mapper.reload("vm1", TableSpec.of(sectors, new MergeSpec(snapshot)).and(more, new OriginSpec(image)));
 * boolean ours = TableSpec.of(sectors, snapshot).equals(mapper.device("vm1@before").table());
 * }</pre>
 *
 * <p><b>Text is at the edge.</b> {@code dmsetup}'s syntax is read by {@link
 * org.anabranch.block.dm.TableLine} (lines, words, quoting) and {@link
 * org.anabranch.block.dm.TableText} (types and devices), and printed by the same two. {@link
 * org.anabranch.block.dm.DeviceMapper} has the verbs both ways.
 *
 * <p><b>A target offers handles.</b> What it can do beside requests is an interface, asked of its
 * device:
 *
 * <pre>{@code
 * for (MergeHandle merge : mapper.device("vm1").targets(MergeHandle.class)) {
 *   merge.throttle(50 << 20);
 *   MergeProgress progress = merge.progress();
 * }
 * }</pre>
 *
 * <p><b>Nobody polls.</b> {@link org.anabranch.block.dm.MappedDevice#listen} calls a listener when
 * a merge ends or fails, or when a snapshot's state changes; {@link
 * org.anabranch.block.dm.DeviceMapper#await} gives a stage for one event.
 *
 * <p><b>What stands on what</b> is asked of devices, never of words: {@link
 * org.anabranch.block.dm.MappedDevice#dependsOn} looks down, {@link
 * org.anabranch.block.dm.DeviceMapper#above} looks up.
 *
 * <p><b>A target type</b> ({@link org.anabranch.block.dm.TargetType}) reads its arguments and makes
 * its {@link org.anabranch.block.dm.Target}. No type is known here: they are given to the mapper.
 */
@NullMarked
package org.anabranch.block.dm;

import org.jspecify.annotations.NullMarked;
