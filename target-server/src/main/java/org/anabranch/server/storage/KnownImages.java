// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Supplier;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.state.VolumeRecord;
import org.anabranch.server.state.VolumeRecords;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the file at a volume's path is the volume's file.
 *
 * <pre>
 *   what is at the path                     without snapshots           with snapshots
 *   the file that was served before         served                      served
 *   nothing, and a file was served there    refused                     refused
 *   nothing, and none was                   made                        refused
 *   another file                            served, with a warning      refused
 *   the same file, but shorter              refused                     refused
 *   a file that another volume's
 *     snapshots were taken of               refused                     refused
 * </pre>
 *
 * A file is the same one if it carries the volume's mark ({@link ImageMark}), wherever it was moved
 * and however the disks are numbered today. Where it cannot carry a mark, inode and file system
 * decide. A block device is known by its length alone.
 *
 * <p>{@link #adopt} says that the file that is there is the right one. One change at a time.
 */
public final class KnownImages {
  private static final Logger LOG = LoggerFactory.getLogger(KnownImages.class);

  private final VolumeRecords records;
  private final Supplier<RuntimeState> state;

  /**
   * @param state what was made at run time, asked each time
   */
  public KnownImages(VolumeRecords records, Supplier<RuntimeState> state) {
    this.records = records;
    this.state = state;
  }

  /** What the file system says of a file; -1 for both numbers of a block device. */
  private record Found(long device, long inode, long bytes) {
    static @Nullable Found at(Path path) throws IOException {
      if (!Files.exists(path)) {
        return null;
      }
      long bytes = VolumeFile.length(path);
      if (!Files.isRegularFile(path)) {
        return new Found(-1, -1, bytes);
      }
      try {
        Map<String, Object> attributes =
            Files.readAttributes(path, "unix:dev,ino", new LinkOption[0]);
        return new Found(number(attributes.get("dev")), number(attributes.get("ino")), bytes);
      } catch (UnsupportedOperationException | IllegalArgumentException e) {
        return new Found(0, 0, bytes); // not a Unix: the path must do
      }
    }

    private static long number(@Nullable Object value) {
      return value instanceof Number number ? number.longValue() : 0;
    }

    /** Numbers of file systems without a disk of their own, such as NFS's, differ at each mount. */
    boolean isAt(VolumeRecord known) {
      return inode == known.inode()
          && (device == known.device() || (isAnonymous(device) && isAnonymous(known.device())));
    }

    private static boolean isAnonymous(long device) {
      return device >>> 8 == 0; // major number 0
    }
  }

  /** Whether a path leads to a file that was served as a volume, also if it is not there now. */
  boolean isVolumes(Path path) {
    for (VolumeRecord record : records.all().values()) {
      try {
        Path served = record.path();
        if (served.equals(path.toAbsolutePath().normalize())
            || (Files.exists(served) && Files.exists(path) && Files.isSameFile(served, path))) {
          return true;
        }
      } catch (IOException e) {
        LOG.debug("{}: {}", path, e.getMessage()); // what cannot be looked at is no longer served
      }
    }
    return false;
  }

  private SortedMap<String, SnapshotState> snapshots(String volume) {
    SortedMap<String, SnapshotState> all = new TreeMap<>(state.get().snapshots());
    all.values().removeIf(snapshot -> !snapshot.volume().equals(volume));
    return all;
  }

  /**
   * Refuses a file that is not the volume's. Changes nothing.
   *
   * @throws RefusedException in one line that begins with the volume, with what to do
   */
  public void check(VolumeConfig volume) throws RefusedException {
    try {
      VolumeRecord known = records.get(volume.name());
      Found found = Found.at(VolumeFile.path(volume));
      if (found == null) {
        checkAbsent(volume, known);
        return;
      }
      ImageMark mark = ImageMark.read(VolumeFile.path(volume));
      checkOthers(volume, found, mark);
      if (known == null) {
        checkOrigin(volume);
      } else if (!isSame(known, found, mark)) {
        if (!snapshots(volume.name()).isEmpty()) {
          throw refused(
              volume,
              "the file at "
                  + VolumeFile.path(volume)
                  + " is not the one that was served"
                  + (known.path().equals(VolumeFile.path(volume))
                      ? " there"
                      : " from " + known.path())
                  + " before, and that "
                  + ofSnapshots(volume.name()),
              "put that file back, or say that this one is right: anabranch volume adopt ");
        }
      } else if (found.bytes < known.bytes()) {
        throw refused(
            volume,
            VolumeFile.path(volume)
                + " has "
                + found.bytes
                + " bytes, and had "
                + known.bytes()
                + " before",
            "restore it, or serve what is left of it: anabranch volume adopt ");
      }
    } catch (IOException e) {
      throw new RefusedException("volume " + volume.name() + ": " + StateDirectory.reason(e), e);
    }
  }

  private void checkAbsent(VolumeConfig volume, @Nullable VolumeRecord known)
      throws RefusedException {
    boolean hasSnapshots = !snapshots(volume.name()).isEmpty();
    if (hasSnapshots || (known != null && known.path().equals(VolumeFile.path(volume)))) {
      throw refused(
          volume,
          "its file "
              + VolumeFile.path(volume)
              + " is missing, which "
              + (hasSnapshots ? ofSnapshots(volume.name()) : "was served before"),
          "mount its file system or put the file back"
              + (hasSnapshots
                  ? ", then: anabranch volume retry "
                  : ", or begin with an empty one:" + " anabranch volume adopt "));
    }
  }

  private static @Nullable Path origin(SnapshotState snapshot) {
    String origin = snapshot.origin();
    return origin == null ? null : Path.of(origin);
  }

  private String ofSnapshots(String volume) {
    return "snapshots were taken of (" + String.join(", ", snapshots(volume).keySet()) + ")";
  }

  /** Before there were records, a snapshot alone knew the path of its volume. */
  private void checkOrigin(VolumeConfig volume) throws RefusedException, IOException {
    for (SnapshotState snapshot : snapshots(volume.name()).values()) {
      Path then = origin(snapshot);
      Path now = VolumeFile.path(volume);
      if (then != null
          && !then.equals(now)
          && !(Files.exists(then) && Files.isSameFile(then, now))) {
        throw refused(
            volume,
            "snapshot " + snapshot.device() + " was taken of " + then + ", not of " + now,
            "configure the former file again, or say that it was moved: anabranch volume adopt ");
      }
    }
  }

  /** Refuses a file that other volumes' snapshots were taken of. */
  private void checkOthers(VolumeConfig volume, Found found, ImageMark mark)
      throws RefusedException, IOException {
    for (SnapshotState snapshot : state.get().snapshots().values()) {
      String other = snapshot.volume();
      VolumeRecord record = records.get(other);
      Path origin = origin(snapshot);
      boolean its =
          record != null
              ? isIts(record, found, mark)
              : origin != null
                  && Files.exists(origin)
                  && Files.isSameFile(origin, VolumeFile.path(volume));
      if (its && !other.equals(volume.name())) {
        throw refused(
            volume,
            VolumeFile.path(volume)
                + " is the file of volume "
                + other
                + ", which has snapshots ("
                + String.join(", ", snapshots(other).keySet())
                + "): to serve it under another name would destroy them",
            "call the volume "
                + other
                + " again, or give its snapshots up, then: anabranch volume retry ");
      }
    }
  }

  /** Whether it is the very file, and no copy of it that carries the same mark. */
  private static boolean isIts(VolumeRecord other, Found found, ImageMark mark) {
    return found.inode != -1
        && found.isAt(other)
        && (mark.uuid() == null || mark.uuid().equals(other.uuid()));
  }

  private static boolean isSame(VolumeRecord known, Found found, ImageMark mark) {
    if (found.inode == -1 || known.inode() == -1) {
      return found.inode == known.inode();
    }
    if (known.uuid().equals(mark.uuid())) {
      return true;
    }
    boolean lostMark = mark.uuid() != null || (known.marked() && mark.possible());
    return !lostMark && found.isAt(known);
  }

  private static RefusedException refused(VolumeConfig volume, String reason, String remedy) {
    return new NotWholeException("volume " + volume.name(), reason, remedy + volume.name());
  }

  /**
   * Remembers the file that is served now, and marks it. The file passed {@link #check}, or an
   * administrator says that it is right.
   *
   * @param bytes how long the volume is
   */
  VolumeRecord remember(VolumeConfig volume, long bytes) throws RefusedException {
    try {
      Path path = VolumeFile.path(volume);
      Found found = Objects.requireNonNull(Found.at(path), "absent");
      ImageMark mark = ImageMark.read(path);
      VolumeRecord known = records.get(volume.name());
      boolean same = known != null && isSame(known, found, mark);
      if (known != null && !same) {
        LOG.warn("volume {}: {} is another file than before", volume.name(), path);
      }
      UUID uuid = known != null ? known.uuid() : uuid(volume, mark);
      boolean marked =
          found.inode != -1
              && (uuid.equals(mark.uuid()) || (!volume.readOnly() && ImageMark.write(path, uuid)));
      VolumeRecord record =
          new VolumeRecord(volume.name(), uuid, marked, path, found.device, found.inode, bytes);
      records.put(record);
      return record;
    } catch (IOException e) {
      throw new RefusedException("volume " + volume.name() + ": " + StateDirectory.reason(e), e);
    }
  }

  /** A new volume takes its file's identity over, unless that is the one of a file copied from. */
  private UUID uuid(VolumeConfig volume, ImageMark mark) throws RefusedException {
    UUID carried = mark.uuid();
    if (carried == null) {
      return UUID.randomUUID();
    }
    for (VolumeRecord other : records.all().values()) {
      if (other.uuid().equals(carried)) {
        if (!snapshots(other.volume()).isEmpty() || Files.exists(other.path())) {
          LOG.info(
              "volume {}: its file is a copy of volume {}'s, and gets an identity of its own",
              volume.name(),
              other.volume());
          return UUID.randomUUID();
        }
        LOG.info("volume {}: was volume {} before", volume.name(), other.volume());
        records.remove(other.volume());
      }
    }
    return carried;
  }

  /**
   * Takes the file that is at a volume's path for the right one; with none, forgets the former one,
   * so that an empty one is made.
   */
  void adopt(VolumeConfig volume) throws RefusedException {
    try {
      Found found = Found.at(VolumeFile.path(volume));
      if (found != null) {
        checkOthers(volume, found, ImageMark.read(VolumeFile.path(volume)));
        for (SnapshotState snapshot : snapshots(volume.name()).values()) {
          if (found.bytes < snapshot.sectors() * 512) {
            throw new RefusedException(
                "volume "
                    + volume.name()
                    + ": "
                    + VolumeFile.path(volume)
                    + " has "
                    + found.bytes
                    + " bytes, too few for snapshot "
                    + snapshot.device()
                    + " of "
                    + snapshot.sectors() * 512);
          }
        }
        remember(volume, found.bytes);
      } else if (snapshots(volume.name()).isEmpty()) {
        records.remove(volume.name());
      } else {
        throw new RefusedException(
            "volume "
                + volume.name()
                + ": there is no file at "
                + VolumeFile.path(volume)
                + ", and an empty one cannot stand below its snapshots ("
                + String.join(", ", snapshots(volume.name()).keySet())
                + "): remove these with --force first");
      }
    } catch (IOException e) {
      throw new RefusedException("volume " + volume.name() + ": " + StateDirectory.reason(e), e);
    }
  }

  /**
   * The volume will have another length; remembered before it gets shorter, after it got longer.
   */
  void resized(String volume, long bytes) throws RefusedException {
    VolumeRecord known = records.get(volume);
    if (known != null) {
      records.put(known.withBytes(bytes));
    }
  }
}
