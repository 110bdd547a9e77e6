// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * The names of the disks that were ever served: {@code identities} in the state directory, a line
 * {@code SERIAL NAA DEVICE} for each. Not thread-safe.
 */
public final class IdentityFile {
  /** Some 65,000 disks. */
  private static final int MAX_BYTES = 8 << 20;

  private final DurableFile file;
  private final Map<String, DiskNames> names = new TreeMap<>();
  private final boolean isNew;

  /**
   * Reads it.
   *
   * @throws RefusedException if it can't be read or is damaged
   */
  public IdentityFile(Path stateFolder) throws RefusedException {
    file = new DurableFile(stateFolder.resolve("identities"));
    isNew = !file.exists();
    try {
      if (!isNew) {
        for (String line : file.read(MAX_BYTES).lines().toList()) {
          int device = line.lastIndexOf(' ');
          DiskNames each = device < 0 ? null : DiskNames.parse(line.substring(0, device));
          if (each == null) {
            throw new RefusedException(
                file.path()
                    + " is damaged, and was left as it is: it has a line for each disk, SERIAL NAA DEVICE;"
                    + " restore it from a backup, or move it away: then images without a label may"
                    + " get another identity, and hosts see other disks");
          }
          names.put(line.substring(device + 1), each);
        }
      }
    } catch (IOException e) {
      throw new RefusedException(file.path() + ": " + StateDirectory.reason(e), e);
    }
  }

  /** Whether there was no such file: the state directory is new, or from an earlier version. */
  public boolean isNew() {
    return isNew;
  }

  public @Nullable DiskNames find(String device) {
    return names.get(device);
  }

  /** Whether a device has these names. */
  public boolean has(DiskNames each) {
    return names.containsValue(each);
  }

  /** Forgets the names of some devices. */
  public void removeIf(Predicate<String> device) {
    names.keySet().removeIf(device);
  }

  public void put(String device, DiskNames each) {
    names.put(device, each);
  }

  /**
   * Makes what was put durable.
   *
   * @throws RefusedException if that fails
   */
  public void save() throws RefusedException {
    StringBuilder text = new StringBuilder();
    names.forEach((device, each) -> text.append(each).append(' ').append(device).append('\n'));
    try {
      file.write(text.toString());
    } catch (IOException e) {
      throw new RefusedException(file.path() + ": " + StateDirectory.reason(e), e);
    }
  }
}
