// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.file.Path;
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
import org.anabranch.server.terminal.Sizes;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the image at a volume's address is the volume's image.
 *
 * <pre>
 *   what is at the address                  without snapshots           with snapshots
 *   the image that was served before        served                      served
 *   nothing, and one was served there       refused                     refused
 *   nothing, and none was                   made                        refused
 *   another image                           served, with a warning      refused
 *   the same image, but shorter             refused                     refused
 *   an image that another volume's
 *     snapshots were taken of               refused                     refused
 * </pre>
 *
 * An image is the same one if it carries the volume's mark, wherever it was moved to. Where it
 * cannot carry a mark, its id decides, such as file system and inode. One without an id is known by
 * its length alone. See {@link ImageFacts}.
 *
 * <p>What is not noticed: contents that somebody changed in place while no server ran. The time of
 * modification would not tell: it is lost by a copy without {@code -p}, kept by tools that restore
 * it, and renewed by ones that change nothing. So a volume would be refused that is whole, or be
 * served though it is not.
 *
 * <p>{@link #adopt} says that the image that is there is the right one. One change at a time.
 */
public final class KnownImages {
  private static final Logger LOG = LoggerFactory.getLogger(KnownImages.class);

  private final Backends backends;
  private final VolumeRecords records;
  private final Supplier<RuntimeState> state;

  /**
   * @param state what was made at run time, asked each time
   */
  public KnownImages(Backends backends, VolumeRecords records, Supplier<RuntimeState> state) {
    this.backends = backends;
    this.records = records;
    this.state = state;
  }

  /** Whether a path leads to a file that was served as a volume, also if it is not there now. */
  boolean isVolumes(Path path) {
    return records.all().values().stream()
        .map(VolumeRecord::address)
        .anyMatch(address -> backends.of(address).isFile(address, path));
  }

  private SortedMap<String, SnapshotState> snapshots(String volume) {
    SortedMap<String, SnapshotState> all = new TreeMap<>(state.get().snapshots());
    all.values().removeIf(snapshot -> !snapshot.volume().equals(volume));
    return all;
  }

  /**
   * Refuses an image that is not the volume's. Looks once, and changes nothing.
   *
   * @return what it has found; null when the image is absent
   * @throws RefusedException in one line that begins with the volume, with what to do
   */
  public @Nullable ImageFacts check(VolumeConfig volume) throws RefusedException {
    try {
      VolumeRecord known = records.get(volume.name());
      String address = volume.source().address();
      ImageFacts found = backends.image(volume).facts();
      if (found == null) {
        checkAbsent(volume, known);
        return null;
      }
      checkOthers(volume, found);
      if (known == null) {
        checkOrigin(volume);
      } else if (!isSame(known, found)) {
        if (!snapshots(volume.name()).isEmpty()) {
          throw refused(
              volume,
              "the image at "
                  + address
                  + " is not the one that was served"
                  + (known.address().equals(address) ? " there" : " from " + known.address())
                  + " before, and that "
                  + ofSnapshots(volume.name()),
              "put that one back, or say that this one is right: anabranch volume adopt ");
        }
      } else if (found.bytes() < known.bytes()) {
        throw refused(
            volume,
            address + " has " + found.bytes() + " bytes, and had " + known.bytes() + " before",
            "restore it, or serve what is left of it: anabranch volume adopt ");
      }
      return found;
    } catch (IOException e) {
      throw new RefusedException("volume " + volume.name() + ": " + StateDirectory.reason(e), e);
    }
  }

  private void checkAbsent(VolumeConfig volume, @Nullable VolumeRecord known)
      throws RefusedException {
    boolean hasSnapshots = !snapshots(volume.name()).isEmpty();
    if (hasSnapshots || (known != null && known.address().equals(volume.source().address()))) {
      throw refused(
          volume,
          "its image "
              + volume.source().address()
              + " is missing, which "
              + (hasSnapshots ? ofSnapshots(volume.name()) : "was served before"),
          "mount its file system, or put the image back"
              + (hasSnapshots
                  ? ", then: anabranch volume retry "
                  : ", or begin with an empty one: anabranch volume adopt "));
    }
  }

  private String ofSnapshots(String volume) {
    return "snapshots were taken of (" + String.join(", ", snapshots(volume).keySet()) + ")";
  }

  /** Before there were records, a snapshot alone knew the address of its volume's image. */
  private void checkOrigin(VolumeConfig volume) throws RefusedException {
    String now = volume.source().address();
    for (SnapshotState snapshot : snapshots(volume.name()).values()) {
      String then = snapshot.origin();
      if (then != null && !backends.isSame(then, now)) {
        throw refused(
            volume,
            "snapshot " + snapshot.device() + " was taken of " + then + ", not of " + now,
            "configure the former one again, or say that it was moved: anabranch volume adopt ");
      }
    }
  }

  /** Refuses an image that other volumes' snapshots were taken of. */
  private void checkOthers(VolumeConfig volume, ImageFacts found) throws RefusedException {
    String address = volume.source().address();
    for (SnapshotState snapshot : state.get().snapshots().values()) {
      String other = snapshot.volume();
      VolumeRecord record = records.get(other);
      String origin = snapshot.origin();
      boolean its =
          record != null
              ? isIts(record, found)
              : origin != null && backends.isSame(origin, address);
      if (its && !other.equals(volume.name())) {
        throw refused(
            volume,
            address
                + " is the image of volume "
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

  /** Whether it is the very image, and no copy of it that carries the same mark. */
  private static boolean isIts(VolumeRecord other, ImageFacts found) {
    return !found.id().isEmpty()
        && found.id().equals(other.id())
        && (found.mark() == null || found.mark().equals(other.uuid()));
  }

  private static boolean isSame(VolumeRecord known, ImageFacts found) {
    if (found.id().isEmpty() || known.id().isEmpty()) {
      return found.id().equals(known.id());
    }
    if (known.uuid().equals(found.mark())) {
      return true;
    }
    boolean lostMark = found.mark() != null || (known.marked() && found.markable());
    return !lostMark && found.id().equals(known.id());
  }

  private static RefusedException refused(VolumeConfig volume, String reason, String remedy) {
    return new NotWholeException("volume " + volume.name(), reason, remedy + volume.name());
  }

  /**
   * Remembers the image that is served now, and marks it. The image passed {@link #check}, or an
   * administrator says that it is right.
   *
   * @param bytes how long the volume is
   */
  VolumeRecord remember(VolumeConfig volume, long bytes) throws RefusedException {
    try {
      String address = volume.source().address();
      VolumeImage image = backends.image(volume);
      ImageFacts found = Objects.requireNonNull(image.facts(), "absent");
      VolumeRecord known = records.get(volume.name());
      if (known != null && !isSame(known, found)) {
        LOG.warn(
            "volume {}: {} is another image than before; it is served, since no snapshot needs the"
                + " former one",
            volume.name(),
            address);
      }
      UUID uuid = known != null ? known.uuid() : uuid(volume, found);
      boolean marked = uuid.equals(found.mark()) || (!volume.readOnly() && image.mark(uuid));
      VolumeRecord record =
          new VolumeRecord(volume.name(), uuid, marked, address, found.id(), bytes);
      records.put(record);
      return record;
    } catch (IOException e) {
      throw new RefusedException("volume " + volume.name() + ": " + StateDirectory.reason(e), e);
    }
  }

  /** A new volume takes over its image's identity, unless the image is a copy of another one. */
  private UUID uuid(VolumeConfig volume, ImageFacts found) throws RefusedException {
    UUID carried = found.mark();
    if (carried == null) {
      return UUID.randomUUID();
    }
    for (VolumeRecord other : records.all().values()) {
      if (other.uuid().equals(carried)) {
        if (!snapshots(other.volume()).isEmpty()
            || backends.of(other.address()).exists(other.address())) {
          LOG.info(
              "volume {}: its image is a copy of volume {}'s, and gets an identity of its own",
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
   * Takes the image that is at a volume's address for the right one; with none, forgets the former
   * one, so that an empty one is made.
   */
  void adopt(VolumeConfig volume) throws RefusedException {
    try {
      String address = volume.source().address();
      ImageFacts found = backends.image(volume).facts();
      if (found != null) {
        checkOthers(volume, found);
        for (SnapshotState snapshot : snapshots(volume.name()).values()) {
          if (found.bytes() < snapshot.sectors() * 512) {
            throw new RefusedException(
                "volume "
                    + volume.name()
                    + ": "
                    + address
                    + " has "
                    + Sizes.exact(found.bytes())
                    + ", too little for snapshot "
                    + snapshot.device()
                    + " of "
                    + Sizes.exact(snapshot.sectors() * 512)
                    + ": put the whole image there, or remove the snapshot with --force");
          }
        }
        remember(volume, found.bytes());
      } else if (snapshots(volume.name()).isEmpty()) {
        records.remove(volume.name());
      } else {
        throw new RefusedException(
            "volume "
                + volume.name()
                + ": there is no image at "
                + address
                + ", and an empty one cannot stand below its snapshots ("
                + String.join(", ", snapshots(volume.name()).keySet())
                + "): remove these with --force first");
      }
    } catch (IOException e) {
      throw new RefusedException("volume " + volume.name() + ": " + StateDirectory.reason(e), e);
    }
  }

  /** There is no such volume any more. */
  void forget(String volume) throws RefusedException {
    records.remove(volume);
  }

  /** The volume will have another name, and has this one until then. */
  void alsoRemember(String volume, String newName) throws RefusedException {
    VolumeRecord known = records.get(volume);
    if (known != null) {
      records.put(known.of(newName));
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
