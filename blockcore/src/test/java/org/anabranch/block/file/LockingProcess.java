// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Another process that wants a file's lock. */
final class LockingProcess {
  private LockingProcess() {}

  /** Tries to lock; says how that went, and keeps the lock until its input ends. */
  public static void main(String[] args) throws IOException {
    try (FileChannel file =
            FileChannel.open(Path.of(args[0]), StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileLock lock = file.tryLock()) {
      System.out.print(lock == null ? 'n' : 'y');
      System.out.flush();
      InputStream in = System.in;
      while (in.read() >= 0) {
        // not yet
      }
    }
  }

  private static Process launch(Path path) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            "-XX:TieredStopAtLevel=1",
            LockingProcess.class.getName(),
            path.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** A process that has locked the file. */
  static Process start(Path path) throws IOException {
    Process process = launch(path);
    if (process.getInputStream().read() != 'y') {
      process.destroyForcibly();
      throw new IOException("no lock on " + path);
    }
    return process;
  }

  static boolean canLock(Path path) throws IOException, InterruptedException {
    Process process = launch(path);
    int answer = process.getInputStream().read();
    process.destroyForcibly().waitFor();
    if (answer < 0) {
      throw new IOException("the process said nothing");
    }
    return answer == 'y';
  }
}
