// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which users can read a file, by its mode. A file with secrets should have one reader.
 *
 * <pre>
 *   mode     owner   group                       verdict
 *   0600     any     any                         good
 *   0640     root    with one user besides root  good: the group is how the server reads the file
 *   0640     any     any other                   the members of the group can read it
 *   0604     any     any                         every user can read it
 * </pre>
 */
final class FileReaders {
  private static final String ROOT = "root";

  private FileReaders() {}

  /**
   * What is wrong with the mode of a file that has secrets in it, and how to mend it; null if
   * nothing is.
   *
   * @throws IOException when the mode cannot be read
   */
  static @Nullable String tooMany(Path file) throws IOException {
    PosixFileAttributes attributes = Files.readAttributes(file, PosixFileAttributes.class);
    Set<PosixFilePermission> mode = attributes.permissions();
    if (mode.contains(PosixFilePermission.OTHERS_READ)) {
      return "every user of this machine can read it: chmod o-r " + file;
    }
    if (!mode.contains(PosixFilePermission.GROUP_READ)) {
      return null;
    }
    String group = attributes.group().getName();
    Set<String> members = members(group);
    members.remove(ROOT);
    if (attributes.owner().getName().equals(ROOT) && members.size() == 1) {
      return null;
    }
    return "every member of group " + group + " can read it: chmod g-r " + file;
  }

  /** The users of a group, as far as this machine's own files know them. */
  private static Set<String> members(String group) throws IOException {
    Set<String> members = new TreeSet<>();
    for (String[] entry : entries(Path.of("/etc/group"), 4)) {
      if (entry[0].equals(group)) {
        members.addAll(List.of(entry[3].split(",")));
        for (String[] user : entries(Path.of("/etc/passwd"), 4)) {
          if (user[3].equals(entry[2])) {
            members.add(user[0]);
          }
        }
      }
    }
    members.remove("");
    return members;
  }

  /** The lines of such a file that have at least so many fields. */
  private static List<String[]> entries(Path file, int fields) throws IOException {
    return Files.readAllLines(file, StandardCharsets.ISO_8859_1).stream()
        .map(line -> line.split(":", -1))
        .filter(entry -> entry.length >= fields)
        .toList();
  }
}
