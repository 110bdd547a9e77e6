// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

/**
 * A place in a configuration file.
 *
 * @param file the file, or what the text came from
 * @param line from 1; 0 when it belongs to no line
 * @param key the full path of the key, "" for the file as a whole
 */
public record SourceLocation(String file, int line, String key) {
  /** A problem at this place. */
  public Problem problem(String found) {
    return new Problem(file, line, key, found, "");
  }
}
