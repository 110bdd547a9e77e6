// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config;

/**
 * One thing that is wrong in a configuration file. Never holds a secret.
 *
 * @param file the file, or what the text came from
 * @param line from 1; 0 when it belongs to no line
 * @param key the full path of the key, "" for the file as a whole
 * @param found what is there
 * @param allowed what may be there, "" when {@code found} says it all
 */
public record Problem(String file, int line, String key, String found, String allowed) {
  @Override
  public String toString() {
    return file
        + (line > 0 ? ":" + line : "")
        + ": "
        + (key.isEmpty() ? "" : key + ": ")
        + found
        + (allowed.isEmpty() ? "" : "; allowed: " + allowed);
  }
}
