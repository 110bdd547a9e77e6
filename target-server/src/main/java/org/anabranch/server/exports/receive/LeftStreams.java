// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.exports.receive;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;

/**
 * Streams that were received whole, and are not in their volumes, since these are not served. A
 * volume may be half written. So nobody is to use it, or to make another one of its name, before
 * the stream was applied, or somebody gives it up. Any thread.
 */
public final class LeftStreams {
  private final Path folder;

  /**
   * @param folder the state directory
   */
  public LeftStreams(Path folder) {
    this.folder = folder;
  }

  /** The volumes that they are for. */
  public Set<String> volumes() throws RefusedException {
    Set<String> volumes = new TreeSet<>();
    for (ReceivedStream stream : ReceivedStream.left(folder)) {
      volumes.add(stream.volume());
    }
    return volumes;
  }

  /** Refuses to make another volume of a name that one of them is for. */
  void refuse(String volume) throws RefusedException {
    for (ReceivedStream stream : ReceivedStream.left(folder)) {
      if (stream.volume().equals(volume)) {
        throw new RefusedException(
            "volume "
                + volume
                + ": a stream for a volume of this name was received and is not applied ("
                + stream.file()
                + "): configure that volume again, or give the stream up: anabranch volume remove "
                + volume);
      }
    }
  }

  /**
   * A warning for each of them.
   *
   * @param configured the volumes that are configured, or were made at run time
   * @param underWay the volumes whose streams are being applied
   */
  public List<Warning> warnings(Set<String> configured, Set<String> underWay)
      throws RefusedException {
    List<Warning> warnings = new ArrayList<>();
    for (ReceivedStream stream : ReceivedStream.left(folder)) {
      String volume = stream.volume();
      if (underWay.contains(volume)) {
        continue;
      }
      warnings.add(
          new Warning(
              "volume " + volume,
              "a stream was received and is not applied, so the volume may be half written: "
                  + stream.file(),
              configured.contains(volume)
                  ? "anabranch volume retry "
                      + volume
                      + ", or a start, applies it; anabranch volume adopt "
                      + volume
                      + " gives it up, and serves the volume as it is"
                  : "configure the volume again and reload, which applies it; or give it up: anabranch"
                      + " volume remove "
                      + volume));
    }
    return warnings;
  }
}
