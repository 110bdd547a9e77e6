// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.volumes;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.function.Predicate;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.StateFile;
import org.anabranch.server.state.VolumeState;
import org.anabranch.server.state.VolumeState.Phase;

/** The image of a volume that is being made, see {@link VolumeState}. */
final class NewImage {
  private NewImage() {}

  /**
   * Where the image of a volume is made when nobody says where: {@code NAME.img}, or {@code
   * NAME~2.img} and so on when that is the image of a volume that had this name before.
   *
   * @param folder for images
   * @param isImage whether a file is the image of a volume
   */
  static Path place(Path folder, String name, Predicate<Path> isImage) {
    Path image = folder.resolve(name + ".img");
    if (!isImage.test(image)) {
      return image;
    }
    int number = 2;
    do {
      image = folder.resolve(name + "~" + number++ + ".img");
    } while (isImage.test(image) || Files.exists(image, LinkOption.NOFOLLOW_LINKS));
    return image;
  }

  /** Opens a new file beside the image's place. */
  static FileChannel open(VolumeState volume, DurableSteps steps) throws IOException {
    Path folder = VolumeLeftovers.folder(volume.path());
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(VolumeLeftovers.folder(folder));
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      DurableFile.syncFolder(VolumeLeftovers.folder(folder), steps);
    }
    FileChannel image =
        FileChannel.open(
            volume.part(),
            Set.of(
                StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    steps.taken("image begun");
    return image;
  }

  /** A zero in the last byte: a channel has no call that only extends. */
  static void extend(FileChannel image, long bytes) throws IOException {
    if (image.size() < bytes) {
      image.write(ByteBuffer.allocate(1), bytes - 1);
    }
  }

  /** Gives a whole image its place, durably: the volume is MADE. */
  static void complete(FileChannel image, VolumeState volume, StateFile state)
      throws RefusedException, IOException {
    DurableFile.sync(image, volume.part(), state.steps());
    DurableFile.syncFolder(VolumeLeftovers.folder(volume.path()), state.steps());
    if (Files.exists(volume.path(), LinkOption.NOFOLLOW_LINKS)) {
      throw new RefusedException("volume " + volume.name() + ": " + volume.path() + " exists now");
    }
    state.replace(state.state().with(volume.in(Phase.MADE)));
    VolumeLeftovers.moveIntoPlace(volume, state.steps());
  }
}
