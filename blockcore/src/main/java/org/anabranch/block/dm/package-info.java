// SPDX-License-Identifier: Apache-2.0
/**
 * Mapped devices: tables of targets, and the life cycle of {@code dmsetup}.
 *
 * <p><b>Tables are values.</b> A {@link org.anabranch.block.dm.TableSpec} has one row for each
 * target, and a row holds the target's arguments as a record of its type. A device argument is a
 * {@link org.anabranch.block.dm.DeviceRef}: a name or a path, which are never confused. Code makes,
 * loads and compares tables like this:
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
 * <p><b>Text exists only at the edge.</b> {@link org.anabranch.block.dm.TableLine} (lines, words,
 * quoting) and {@link org.anabranch.block.dm.TableText} (types and devices) parse and print {@code
 * dmsetup}'s syntax. {@link org.anabranch.block.dm.DeviceMapper} has its verbs for values and for
 * text.
 *
 * <p><b>Targets offer handles.</b> What a target can do besides requests is an interface, obtained
 * from its device:
 *
 * <pre>{@code
 * for (MergeHandle merge : mapper.device("vm1").targets(MergeHandle.class)) {
 *   merge.throttle(50 << 20);
 *   MergeProgress progress = merge.progress();
 * }
 * }</pre>
 *
 * <p><b>Nobody polls.</b> {@link org.anabranch.block.dm.MappedDevice#listen} registers a listener
 * for the end or failure of a merge and for changes of a snapshot's state; {@link
 * org.anabranch.block.dm.DeviceMapper#await} returns a stage for one event.
 *
 * <p><b>Dependencies</b> are asked of devices, never guessed from words: {@link
 * org.anabranch.block.dm.MappedDevice#dependsOn} looks down, {@link
 * org.anabranch.block.dm.DeviceMapper#above} looks up.
 *
 * <p><b>Target types</b> ({@link org.anabranch.block.dm.TargetType}) read their arguments and make
 * their {@link org.anabranch.block.dm.Target}. This package knows no type: the mapper is given its
 * types.
 */
@NullMarked
package org.anabranch.block.dm;

import org.jspecify.annotations.NullMarked;
