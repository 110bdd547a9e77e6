// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.backup;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigValueFactory;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.anabranch.server.base.RefusedException;

/**
 * A backup of a state directory, and its text: JSON objects, one a line.
 *
 * <pre>{@code
 * {"created":"2026-11-30T02:00:00Z","format":"anabranch state backup","format-version":1,
 *  "server-id":"0123456789abcdef","server-version":"0.1.0","state-dir":"/var/lib/anabranch"}
 * {"bytes":17,"data":"...","file":"server-id","sha256":"..."}
 * ...
 * {"end":true,"files":5,"sha256":"..."}
 * }</pre>
 *
 * {@code data} is the file in Base64, {@code sha256} is of the file, and in the last line of all
 * lines before it. So a backup that was cut or changed is refused.
 *
 * @param created when it was made
 * @param serverVersion of the program that made it
 * @param stateDir the folder that it is of
 * @param files by their names relative to that folder
 */
public record StateArchive(
    Instant created, String serverVersion, String stateDir, SortedMap<String, byte[]> files) {
  private static final String FORMAT = "anabranch state backup";
  private static final int FORMAT_VERSION = 1;

  public StateArchive {
    files = Collections.unmodifiableSortedMap(new TreeMap<>(files));
  }

  /** As text. */
  byte[] text() {
    byte[] id = files.getOrDefault("server-id", new byte[0]);
    StringBuilder text = new StringBuilder();
    line(
        text,
        Map.of(
            "format", FORMAT,
            "format-version", FORMAT_VERSION,
            "created", created.toString(),
            "server-version", serverVersion,
            "server-id", new String(id, StandardCharsets.UTF_8).strip(),
            "state-dir", stateDir));
    files.forEach((name, data) ->
        line(
            text,
            Map.of(
                "file",
                name,
                "bytes",
                data.length,
                "sha256",
                sha256(data),
                "data",
                Base64.getEncoder().encodeToString(data))));
    String all = text.toString();
    line(
        text,
        Map.of(
            "end",
            true,
            "files",
            files.size(),
            "sha256",
            sha256(all.getBytes(StandardCharsets.UTF_8))));
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void line(StringBuilder text, Map<String, ?> object) {
    text.append(ConfigValueFactory.fromMap(object).render(ConfigRenderOptions.concise()))
        .append('\n');
  }

  private static String sha256(byte[] data) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every JDK has it
    }
  }

  /**
   * What a text holds; every checksum is right, and nothing is missing.
   *
   * @param what the file, for messages
   * @throws RefusedException when it is no backup, damaged, or of a later format
   */
  static StateArchive parse(String what, byte[] bytes) throws RefusedException {
    String text = new String(bytes, StandardCharsets.UTF_8);
    List<String> lines = text.lines().toList();
    if (lines.isEmpty() || !lines.getFirst().contains(FORMAT)) {
      throw new RefusedException(what + " is no backup that anabranch state backup made");
    }
    try {
      Config head = json(lines.getFirst());
      int version = head.getInt("format-version");
      if (version > FORMAT_VERSION) {
        throw new RefusedException(
            what
                + " has format version "
                + version
                + ", and this program reads up to "
                + FORMAT_VERSION
                + ": use the version that made it, "
                + head.getString("server-version"));
      }
      checkEnd(what, text, lines);
      SortedMap<String, byte[]> files = new TreeMap<>();
      for (String line : lines.subList(1, lines.size() - 1)) {
        Config file = json(line);
        String name = file.getString("file");
        byte[] data = Base64.getDecoder().decode(file.getString("data"));
        if (!StateFiles.isOne(name)) {
          throw damaged(what, "a state directory has no file " + name);
        }
        if (data.length != file.getInt("bytes") || !sha256(data).equals(file.getString("sha256"))) {
          throw damaged(what, "the checksum of " + name + " is wrong");
        }
        if (files.put(name, data) != null) {
          throw damaged(what, name + " is in it twice");
        }
      }
      return new StateArchive(
          Instant.parse(head.getString("created")),
          head.getString("server-version"),
          head.getString("state-dir"),
          files);
    } catch (ConfigException | IllegalArgumentException | DateTimeException e) {
      throw damaged(what, String.valueOf(e.getMessage()));
    }
  }

  private static void checkEnd(String what, String text, List<String> lines)
      throws RefusedException {
    String last = lines.getLast();
    if (!text.endsWith(last + "\n") || !last.startsWith("{\"end\"")) {
      throw damaged(what, "its end is missing");
    }
    String before = text.substring(0, text.length() - last.length() - 1);
    Config end = json(last);
    if (end.getInt("files") != lines.size() - 2
        || !sha256(before.getBytes(StandardCharsets.UTF_8)).equals(end.getString("sha256"))) {
      throw damaged(what, "the checksum of the whole is wrong");
    }
  }

  private static RefusedException damaged(String what, String reason) {
    return new RefusedException(
        what + " is damaged: " + reason + "; nothing was changed; use another backup");
  }

  private static Config json(String line) {
    return ConfigFactory.parseString(
        line, ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
  }
}
