// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a configuration file asks for, checked as far as it can be without looking at disks and
 * network. Immutable.
 *
 * @param portals where to listen; at least one, no two alike
 * @param stateDir where run-time state lives; absolute
 * @param baseDir the folder that relative paths in tables are relative to; absolute
 * @param volumes by name
 * @param devices by name; no name is also a volume's
 * @param places where each volume and device stands in the file, by name
 * @param targets by normalised iSCSI name
 * @param stores how the stores of snapshots grow
 * @param limits how much the server takes on
 * @param iscsi how it speaks iSCSI
 */
public record Configuration(
    List<Portal> portals,
    Path stateDir,
    Path baseDir,
    SortedMap<String, VolumeConfig> volumes,
    SortedMap<String, DeviceConfig> devices,
    SortedMap<String, Place> places,
    SortedMap<String, TargetConfig> targets,
    StoresConfig stores,
    LimitsConfig limits,
    IscsiConfig iscsi) {
  public Configuration {
    portals = List.copyOf(portals);
    volumes = Collections.unmodifiableSortedMap(new TreeMap<>(volumes));
    devices = Collections.unmodifiableSortedMap(new TreeMap<>(devices));
    places = Collections.unmodifiableSortedMap(new TreeMap<>(places));
    targets = Collections.unmodifiableSortedMap(new TreeMap<>(targets));
  }

  /**
   * Reads a file. Relative paths in it are relative to its folder.
   *
   * @throws InvalidConfigurationException with everything that is wrong with it, including that it
   *     cannot be read
   */
  public static Configuration read(Path file) throws InvalidConfigurationException {
    return new ConfigurationReader(file.toString()).read(file);
  }

  /**
   * Reads a text.
   *
   * @param name what errors call the text
   * @param text HOCON
   * @param baseDir what relative paths in it are relative to
   */
  public static Configuration parse(String name, String text, Path baseDir)
      throws InvalidConfigurationException {
    return new ConfigurationReader(name).parse(text, baseDir);
  }
}
