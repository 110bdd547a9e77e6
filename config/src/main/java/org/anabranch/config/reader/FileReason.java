// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Why a file could not be read, in words for people: Java's own are the names of its classes. */
final class FileReason {
  private FileReason() {}

  /** In words that follow the file's name and a colon. */
  static String of(IOException e) {
    return switch (e) {
      case NoSuchFileException absent -> "no such file";
      case AccessDeniedException denied ->
          "permission denied: user "
              + System.getProperty("user.name")
              + ", as whom this runs, may not read it; see chown, chgrp and chmod";
      case CharacterCodingException coding -> "it is not UTF-8";
      case FileSystemException system when system.getReason() != null -> system.getReason();
      default -> "cannot be read: " + e.getMessage();
    };
  }
}
