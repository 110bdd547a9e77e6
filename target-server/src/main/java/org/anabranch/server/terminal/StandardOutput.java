// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;

/**
 * Standard output that remembers when a write failed. Java's own loses such an error, and a command
 * whose output is incomplete, on a full disk for instance, would end as if all were well.
 */
public final class StandardOutput extends OutputStream {
  private final OutputStream out;

  /** The first error; written by the thread that prints. */
  private volatile @Nullable IOException failure;

  public StandardOutput() {
    this(new FileOutputStream(FileDescriptor.out));
  }

  StandardOutput(OutputStream out) {
    this.out = out;
  }

  /** Prints in the terminal's encoding, and flushes each line. */
  public PrintWriter writer() {
    return new PrintWriter(new OutputStreamWriter(this, encoding()), true);
  }

  /** What the terminal, or whatever standard output is, expects. */
  static Charset encoding() {
    String name = System.getProperty("stdout.encoding");
    return name == null ? Charset.defaultCharset() : Charset.forName(name);
  }

  /** The first error, or null. */
  public @Nullable IOException failure() {
    return failure;
  }

  /** Whether the reader has gone away, as {@code head} does: there is nothing to complain about. */
  public boolean isBrokenPipe() {
    IOException first = failure;
    return first != null && String.valueOf(first.getMessage()).contains("Broken pipe");
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      if (failure == null) {
        failure = e;
      }
      throw e;
    }
  }
}
