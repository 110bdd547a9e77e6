// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports;

import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.snapshot.ChangedChunks;
import org.anabranch.block.snapshot.SnapshotHandle;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.SnapshotState;
import org.jspecify.annotations.Nullable;

/**
 * Where a snapshot differs, as ascending extents that do not touch. The list is read in parts, so
 * it takes little memory whatever its length. One thread.
 *
 * <p>The list has every place that was written since the snapshot was taken, in the snapshot or in
 * its volume, even if the contents did not change. Writes while the list is read may or may not be
 * in it.
 *
 * <p><b>Since an older snapshot</b>: where two snapshots of a volume differ, the volume was written
 * after the older one was taken, or one of the two was written. Then the older one's list has it,
 * or the younger one's: so the union of both lists is where they can differ.
 */
public final class ChangedExtents {
  /** Asks the block layer which chunks have exceptions. */
  private static final class OneSnapshot {
    private final DeviceMapper mapper;
    private final String device;
    private final long bytes;
    private final long behind;
    private final ArrayDeque<ByteExtent> extents = new ArrayDeque<>();
    private long next;

    /** What it does not have, up to {@code behind}, differs as well. */
    OneSnapshot(DeviceMapper mapper, SnapshotState snapshot, long behind) {
      this.mapper = mapper;
      this.device = snapshot.device();
      this.bytes = snapshot.sectors() * 512;
      this.behind = behind;
    }

    /** The first extent that was not taken yet; null behind the last. */
    @Nullable ByteExtent peek() throws RefusedException {
      while (extents.isEmpty() && next >= 0) {
        take(changed(next));
      }
      return extents.peek();
    }

    private ChangedChunks changed(long from) throws RefusedException {
      try {
        List<SnapshotHandle> handles = mapper.device(device).targets(SnapshotHandle.class);
        if (handles.isEmpty()) {
          throw new RefusedException(
              "device " + device + " has another table than a snapshot's: see anabranch dm table");
        }
        return handles.getFirst().changed(from, ChangedChunks.MAX_RUNS);
      } catch (TableException e) {
        throw new RefusedException("snapshot " + device + ": " + e.getMessage(), e);
      }
    }

    private void take(ChangedChunks chunks) {
      long chunkBytes = chunks.chunkSectors() * 512L;
      for (int i = 0; i < chunks.runs().size(); i += 2) {
        long offset = chunks.runs().get(i) * chunkBytes;
        long end = Math.min(bytes, offset + chunks.runs().get(i + 1) * chunkBytes);
        if (offset < end) {
          extents.add(new ByteExtent(offset, end - offset));
        }
      }
      next = chunks.next();
      if (next < 0 && bytes < behind) {
        extents.add(new ByteExtent(bytes, behind - bytes));
      }
    }
  }

  private final List<OneSnapshot> lists;
  private final long bytes;

  /**
   * @param snapshot that is not being merged
   * @param since an older one of the same volume; null for the volume as it is now
   * @param least what lies behind the snapshot's end, up to so many bytes, differs as well; 0: the
   *     list ends with the snapshot
   */
  public ChangedExtents(
      DeviceMapper mapper, SnapshotState snapshot, @Nullable SnapshotState since, long least) {
    this.bytes = Math.max(snapshot.sectors() * 512, least);
    OneSnapshot list = new OneSnapshot(mapper, snapshot, bytes);
    this.lists =
        since == null ? List.of(list) : List.of(list, new OneSnapshot(mapper, since, bytes));
  }

  /** The next extent; null behind the last. */
  public @Nullable ByteExtent next() throws RefusedException {
    OneSnapshot first = first();
    ByteExtent found = first == null ? null : first.extents.poll();
    if (found == null || found.offset() >= bytes) {
      return null;
    }
    long end = found.end();
    for (OneSnapshot more = first(); more != null; more = first()) {
      ByteExtent behind = more.extents.element();
      if (behind.offset() > end) {
        break;
      }
      end = Math.max(end, behind.end());
      more.extents.remove();
    }
    return new ByteExtent(found.offset(), Math.min(end, bytes) - found.offset());
  }

  /** The list with the lowest extent. */
  private @Nullable OneSnapshot first() throws RefusedException {
    OneSnapshot first = null;
    for (OneSnapshot list : lists) {
      ByteExtent extent = list.peek();
      if (extent != null && (first == null || extent.offset() < first.extents.element().offset())) {
        first = list;
      }
    }
    return first;
  }

  /** Passes all remaining extents to {@code sink}. */
  public void forEach(Consumer<ByteExtent> sink) throws RefusedException {
    for (ByteExtent extent = next(); extent != null; extent = next()) {
      sink.accept(extent);
    }
  }
}
