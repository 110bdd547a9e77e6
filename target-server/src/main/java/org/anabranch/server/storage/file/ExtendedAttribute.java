// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import org.jspecify.annotations.Nullable;

/**
 * An extended attribute of files, a short ASCII text. Where a file or its file system has no such
 * attributes, every call fails with an {@link IOException}, as it does without permission.
 *
 * @param name without the name space, which is {@code user.}
 * @param maxBytes a longer value counts as none
 */
public record ExtendedAttribute(String name, int maxBytes) {
  /** Its value; null when the file does not have it, or it is too long. */
  public @Nullable String read(Path file, LinkOption... options) throws IOException {
    UserDefinedFileAttributeView view = view(file, options);
    try {
      if (!view.list().contains(name) || view.size(name) > maxBytes) {
        return null;
      }
      ByteBuffer bytes = ByteBuffer.allocate(maxBytes);
      view.read(name, bytes);
      return StandardCharsets.US_ASCII.decode(bytes.flip()).toString();
    } catch (UnsupportedOperationException e) {
      throw unsupported(file, e);
    }
  }

  /** Whether the file has it, whatever its value. */
  public boolean isOn(Path file, LinkOption... options) throws IOException {
    try {
      return view(file, options).list().contains(name);
    } catch (UnsupportedOperationException e) {
      throw unsupported(file, e);
    }
  }

  /** Sets it; durable once the file is synced. */
  public void write(Path file, String value, LinkOption... options) throws IOException {
    try {
      view(file, options).write(name, StandardCharsets.US_ASCII.encode(value));
    } catch (UnsupportedOperationException e) {
      throw unsupported(file, e);
    }
  }

  /** Takes it away, if the file has it. */
  public void delete(Path file, LinkOption... options) throws IOException {
    try {
      UserDefinedFileAttributeView view = view(file, options);
      if (view.list().contains(name)) {
        view.delete(name);
      }
    } catch (UnsupportedOperationException e) {
      throw unsupported(file, e);
    }
  }

  private static UserDefinedFileAttributeView view(Path file, LinkOption... options)
      throws IOException {
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(file, UserDefinedFileAttributeView.class, options);
    if (view == null) {
      throw unsupported(file, null);
    }
    return view;
  }

  private static IOException unsupported(Path file, @Nullable UnsupportedOperationException cause) {
    return new IOException(file + " has no extended attributes", cause);
  }
}
