// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Which process has an image's exclusive lock, as a text that the image carries.
 *
 * <p>Ceph holds the lock of a client that has died for some 30 s, since it might be one that only
 * does not answer. A server that was killed and started again would wait for itself. So it breaks
 * the lock of a process that certainly is dead: one of the same boot of the same kernel and the
 * same namespace of processes. Any other owner is asked for the lock, and is not disturbed.
 *
 * <pre>
 *   10.0.0.7:0/2002997957 1f1a6f8c-...(boot id) pid:[4026531836] 1234(process) 5678(its start, ticks)
 * </pre>
 *
 * @param owner the address of the lock's owner; Ceph gives each client one of its own
 */
record LockHolder(String owner, String boot, String namespace, String process, String start) {
  private static final int START_TIME = 19; // of the fields behind the name in /proc/PID/stat

  /** This process, as the client with the address {@code owner}. */
  static LockHolder self(String owner) throws IOException {
    String process = Long.toString(ProcessHandle.current().pid());
    return new LockHolder(owner, bootId(), processes(), process, startOf(process));
  }

  /**
   * Whether a text says that the owner of a lock is a process that is dead. False when it says
   * something else, or nothing that can be known here.
   */
  static boolean isDead(String text, String owner) throws IOException {
    String[] words = text.split(" ", -1);
    return words.length == 5
        && words[0].equals(owner)
        && words[1].equals(bootId())
        && words[2].equals(processes())
        && words[3].matches("[0-9]{1,10}")
        && !startOf(words[3]).equals(words[4]);
  }

  private static String bootId() throws IOException {
    return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
  }

  private static String processes() throws IOException {
    return Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
  }

  /** When a process has started; empty if there is none. */
  private static String startOf(String process) throws IOException {
    Path stat = Path.of("/proc", process, "stat");
    if (!Files.exists(stat)) {
      return "";
    }
    String text = Files.readString(stat, StandardCharsets.ISO_8859_1);
    return text.substring(text.lastIndexOf(')') + 2).split(" ", -1)[START_TIME];
  }

  @Override
  public String toString() {
    return String.join(" ", owner, boot, namespace, process, start);
  }
}
