// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.backup;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.StateDirectory;

/**
 * Puts a backup back into a state directory that no server uses. Everything is checked before
 * anything is written. If it is interrupted, no server starts with the folder until the restore was
 * run again.
 */
public final class StateRestore {
  private StateRestore() {}

  /**
   * Restores.
   *
   * @param what the backup, for messages
   * @param text of the backup
   * @param folder the state directory, made if it is absent
   * @param force replaces a state that is there
   * @return what was restored
   */
  public static StateArchive run(String what, byte[] text, Path folder, boolean force)
      throws RefusedException {
    StateArchive archive = StateArchive.parse(what, text);
    try (StateDirectory.Lock _ = StateDirectory.lock(folder)) {
      List<String> there = StateFiles.in(folder);
      if (!there.isEmpty() && !force && !StateDirectory.isHalfRestored(folder)) {
        throw new RefusedException(
            folder
                + " has the state of a server in it ("
                + String.join(", ", there.subList(0, Math.min(3, there.size())))
                + (there.size() > 3 ? ", ..." : "")
                + "); --force replaces it: make a backup of it first");
      }
      DurableFile mark = StateDirectory.restoring(folder);
      mark.write(what + "\n");
      for (String name : there) {
        if (!archive.files().containsKey(name)) {
          Files.delete(folder.resolve(name));
        }
      }
      for (Map.Entry<String, byte[]> file : archive.files().entrySet()) {
        Path path = folder.resolve(file.getKey());
        Files.createDirectories(path.getParent());
        new DurableFile(path).write(new String(file.getValue(), StandardCharsets.UTF_8));
      }
      for (String sub : StateDirectory.FOLDERS) {
        if (Files.isDirectory(folder.resolve(sub))) {
          DurableFile.syncFolder(folder.resolve(sub));
        }
      }
      DurableFile.syncFolder(folder);
      Files.delete(mark.path());
      DurableFile.syncFolder(folder);
      return archive;
    } catch (IOException e) {
      throw new RefusedException(
          StateDirectory.reason(e) + "; put that right, and run the restore again", e);
    }
  }
}
