// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * A copy of a server's folder while that server lives, as a crash at this instant would leave it: a
 * server starts on it.
 *
 * <p>Images are copied last. A merge may be under way, and makes durable in the image what it has
 * moved before it takes that from the store: so the copy has it in both, never in neither.
 */
public final class FolderCopy {
  private static final Comparator<Path> IMAGES_LAST =
      Comparator.comparing((Path file) -> file.toString().endsWith(".img"))
          .thenComparing(Comparator.naturalOrder());

  private FolderCopy() {}

  /**
   * Copies all regular files with their extended attributes, which have the labels of images. A
   * file that is deleted or renamed meanwhile is left out. Paths in the state lead to the copies.
   *
   * @return {@code to}
   */
  public static Path of(Path from, Path to) {
    try {
      for (Path file : files(from)) {
        copy(file, to.resolve(from.relativize(file).toString()), from, to);
      }
      return to;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void copy(Path file, Path copy, Path from, Path to) throws IOException {
    Files.createDirectories(Objects.requireNonNull(copy.getParent()));
    try {
      Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
    } catch (NoSuchFileException e) {
      return;
    }
    String name = copy.toString();
    if (name.endsWith(".json") || name.endsWith(".json.new")) {
      String text = Files.readString(copy);
      Files.writeString(copy, text.replace(from + "/", to + "/"));
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile()) {
              files.add(file);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }
        });
    files.sort(IMAGES_LAST);
    return files;
  }
}
