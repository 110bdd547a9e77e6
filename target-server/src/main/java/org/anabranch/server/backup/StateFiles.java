// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.backup;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.anabranch.server.state.StateDirectory;

/** The files of a state directory that a backup has, by their names relative to it. */
final class StateFiles {
  /** A name that the server gives, and not that of a draft. */
  private static final Pattern IN_FOLDER = Pattern.compile("[^/.][^/]*(?<!\\.new)");

  private StateFiles() {}

  /** Whether a backup may have a file of this name. */
  static boolean isOne(String name) {
    int slash = name.indexOf('/');
    return slash < 0
        ? StateDirectory.FILES.contains(name)
        : StateDirectory.FOLDERS.contains(name.substring(0, slash))
            && IN_FOLDER.matcher(name.substring(slash + 1)).matches();
  }

  /** Those that there are, in order. */
  static List<String> in(Path folder) throws IOException {
    List<String> names = new ArrayList<>();
    for (String name : StateDirectory.FILES) {
      if (Files.exists(folder.resolve(name))) {
        names.add(name);
      }
    }
    for (String sub : StateDirectory.FOLDERS) {
      if (Files.isDirectory(folder.resolve(sub))) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder.resolve(sub))) {
          for (Path file : files) {
            String name = sub + "/" + file.getFileName();
            if (isOne(name) && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
              names.add(name);
            }
          }
        }
      }
    }
    names.sort(null);
    return names;
  }
}
