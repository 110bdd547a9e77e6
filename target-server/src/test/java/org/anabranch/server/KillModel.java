// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * What a volume and its snapshots must read as, block by block, whatever a kill broke off. A block
 * is 4 KiB and holds its number and a generation in each of its sectors.
 */
final class KillModel {
  static final int BLOCKS = 1024;
  static final int BLOCK = 4096;

  /** A snapshot's generations, and the blocks for which its store may hold something. */
  static final class Snapshot {
    final int[] blocks;
    final BitSet touched = new BitSet();

    Snapshot(int[] blocks) {
      this.blocks = blocks.clone();
    }
  }

  final int[] volume = new int[BLOCKS];
  final Map<String, Snapshot> snapshots = new TreeMap<>();

  /** Writes that were sent and not answered: device to block to generation. */
  final Map<String, Map<Integer, Integer>> open = new HashMap<>();

  private int lastGeneration;

  int newGeneration() {
    return ++lastGeneration;
  }

  static ByteBuffer block(int number, int generation) {
    ByteBuffer data = ByteBuffer.allocate(BLOCK);
    for (int at = 0; at < BLOCK && generation > 0; at += 512) {
      for (int i = 0; i < 512; i += 8) {
        data.putInt(at + i, number).putInt(at + i + 4, generation);
      }
    }
    return data;
  }

  Snapshot snapshot(String device) {
    return Objects.requireNonNull(snapshots.get(device), device);
  }

  private int[] blocks(String device) {
    return device.equals("vm1") ? volume : snapshot(device).blocks;
  }

  void sent(String device, int number, int generation) {
    open.computeIfAbsent(device, name -> new HashMap<>()).put(number, generation);
    touch(device, number);
  }

  /** A write to the volume may put something into every store, one to a snapshot into its own. */
  private void touch(String device, int number) {
    snapshots.forEach((name, snapshot) -> {
      if (device.equals("vm1") || device.equals(name)) {
        snapshot.touched.set(number);
      }
    });
  }

  void answered(String device, int number, int generation) {
    blocks(device)[number] = generation;
    open.getOrDefault(device, new HashMap<>()).remove(number);
  }

  void created(String device) {
    snapshots.put(device, new Snapshot(volume));
  }

  void removed(String device) {
    snapshots.remove(device);
  }

  void rolledBack(String device) {
    Snapshot gone = snapshot(device);
    snapshots.remove(device);
    System.arraycopy(gone.blocks, 0, volume, 0, BLOCKS);
    snapshots.values().forEach(snapshot -> snapshot.touched.or(gone.touched));
  }

  /** The same, and the snapshot is there still, with an empty store. */
  void rolledBackAndKept(String device) {
    Snapshot kept = new Snapshot(snapshot(device).blocks);
    rolledBack(device);
    snapshots.put(device, kept);
  }

  /** Checks a block, every sector of it; a write that was not answered may be there or not. */
  void check(String device, int number, ByteBuffer found) {
    int expected = blocks(device)[number];
    Integer maybe = open.getOrDefault(device, Map.of()).get(number);
    if (maybe != null && found.equals(block(number, maybe))) {
      blocks(device)[number] = maybe;
      return;
    }
    assertThat(found.equals(block(number, expected)))
        .as(
            "%s, block %d: generation %d expected, or %s; found %d of block %d",
            device, number, expected, maybe, found.getInt(4), found.getInt(0))
        .isTrue();
  }
}
