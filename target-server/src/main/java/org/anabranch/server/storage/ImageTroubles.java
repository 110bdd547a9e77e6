// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.block.BackingDevice;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.state.StateDirectory;

/**
 * Open images and stores that were cut or deleted from outside, and so take no writes. Any thread.
 */
public final class ImageTroubles implements WarningSource {
  private final VolumeOpener opener;
  private final GrowingFiles growing;

  ImageTroubles(VolumeOpener opener, GrowingFiles growing) {
    this.opener = opener;
    this.growing = growing;
  }

  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>();
    opener
        .devices()
        .forEach((volume, device) -> warn(device, "volume " + volume, device.name(), warnings));
    growing.files().forEach((store, file) -> warn(file, "store " + store, store, warnings));
    return warnings;
  }

  private static void warn(
      BackingDevice file, String subject, String path, List<Warning> warnings) {
    String trouble = file.trouble();
    if (trouble != null) {
      warnings.add(
          new Warning(
              subject,
              trouble.replace(path + ": ", "").replace(path + " ", "its file "),
              "save what can be read (snapshot export); when the file is whole again, anabranch"
                  + " volume retry, or restart the server"));
    }
  }

  /**
   * Looks again at files that were cut or deleted, since somebody says that they are whole, and
   * forgets writes that have failed.
   */
  public List<String> putFilesRight() throws RefusedException {
    List<String> lines = new ArrayList<>();
    List<BackingDevice> devices = new ArrayList<>(opener.devices().values());
    devices.addAll(growing.files().values());
    for (BackingDevice file : devices) {
      if (file.forgetFailedWrites()) {
        lines.add(file.name() + ": writes that have failed are reported no more");
      }
      try {
        if (file.trouble() != null && file.putRight()) {
          lines.add(file.name() + " takes writes again");
        }
      } catch (IOException e) {
        throw new RefusedException(StateDirectory.reason(e), e);
      }
    }
    return lines;
  }

  /** Whether the file of a volume, or of a snapshot of it, takes no writes. */
  public boolean isHarmed(String volume) {
    return warnings().stream()
        .anyMatch(warning ->
            warning.subject().equals("volume " + volume)
                || warning.subject().contains("/" + volume + "@"));
  }
}
