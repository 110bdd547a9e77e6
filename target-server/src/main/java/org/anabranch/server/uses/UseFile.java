// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.uses;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigValueFactory;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code uses.json} in the state directory: who uses what. One thread at a time.
 *
 * <pre>{@code
 * {
 *   "on-next-login" : [],
 *   "unknown" : [],
 *   "uses" : [
 *     {
 *       "cut-off" : "2026-11-29T20:00:00Z", "devices" : [ "vm1", "vm1@before" ],
 *       "initiator" : "iqn.1993-08.org.debian:01:a", "isid" : "00023d000001",
 *       "target" : "iqn.2026-11.org.example:vm1"
 *     }
 *   ],
 *   "version" : 1
 * }
 * }</pre>
 */
final class UseFile {
  private static final Logger LOG = LoggerFactory.getLogger(UseFile.class);
  private static final int VERSION = 1;
  private static final int MAX_BYTES = 64 << 20;

  private final DurableFile file;

  /**
   * @param folder the state directory
   */
  UseFile(Path folder) {
    file = new DurableFile(folder.resolve("uses.json"));
  }

  Path path() {
    return file.path();
  }

  /**
   * What is recorded; null when there is no such file.
   *
   * @throws DamagedException when it cannot be understood
   * @throws RefusedException when it cannot be read, or was written by a newer version
   */
  @Nullable RecordedUses read() throws RefusedException, DamagedException {
    try {
      return file.exists() ? parse(file.read(MAX_BYTES)) : null;
    } catch (CharacterCodingException e) {
      throw new DamagedException("it is no UTF-8", e);
    } catch (IOException e) {
      throw new RefusedException(path() + " cannot be read: " + StateDirectory.reason(e), e);
    }
  }

  /** The file is no record of uses. */
  static final class DamagedException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** Puts a damaged file aside, so that it can be looked at; its new path. */
  Path putAside() throws RefusedException {
    Path aside = path().resolveSibling("uses.json.damaged");
    try {
      Files.move(path(), aside, StandardCopyOption.REPLACE_EXISTING);
      return aside;
    } catch (IOException e) {
      throw new RefusedException(path() + ": " + StateDirectory.reason(e), e);
    }
  }

  /** Makes this the record; durable when it returns. */
  void write(RecordedUses uses) throws IOException {
    file.write(render(uses));
    try {
      file.keepRoom();
    } catch (IOException e) {
      LOG.debug("no room is kept for the next write of {}", path(), e);
    }
  }

  static String render(RecordedUses recorded) {
    List<Map<String, Object>> uses = new ArrayList<>();
    recorded
        .uses()
        .forEach((nexus, use) -> {
          Map<String, Object> json = new LinkedHashMap<>();
          json.put("initiator", nexus.initiator());
          json.put("isid", "%012x".formatted(nexus.isid()));
          json.put("target", nexus.target());
          json.put("devices", List.copyOf(use.devices()));
          if (use.cutOff() != null) {
            json.put("cut-off", use.cutOff().toString());
          }
          uses.add(json);
        });
    Map<String, Object> root =
        Map.of(
            "version",
            VERSION,
            "uses",
            uses,
            "unknown",
            List.copyOf(recorded.unknown()),
            "on-next-login",
            List.copyOf(recorded.onNextLogin()));
    return ConfigValueFactory.fromMap(root).render(ConfigRenderOptions.concise());
  }

  private RecordedUses parse(String text) throws RefusedException, DamagedException {
    try {
      Config root =
          ConfigFactory.parseString(
              text, ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
      if (root.getInt("version") > VERSION) {
        throw new RefusedException(
            path()
                + " was written by a newer version of the server: install that version, or restore the"
                + " state directory from a backup that this version made");
      }
      TreeMap<ItNexus, RecordedUses.Recorded> uses = new TreeMap<>();
      for (Config use : root.getConfigList("uses")) {
        ItNexus nexus =
            new ItNexus(
                use.getString("initiator"),
                Long.parseLong(use.getString("isid"), 16),
                use.getString("target"));
        Instant cutOff = use.hasPath("cut-off") ? Instant.parse(use.getString("cut-off")) : null;
        uses.put(
            nexus, new RecordedUses.Recorded(new HashSet<>(use.getStringList("devices")), cutOff));
      }
      return new RecordedUses(
          uses,
          new HashSet<>(root.getStringList("unknown")),
          new HashSet<>(root.getStringList("on-next-login")));
    } catch (ConfigException | NumberFormatException | DateTimeException e) {
      throw new DamagedException(String.valueOf(e.getMessage()), e);
    } catch (StackOverflowError e) {
      throw new DamagedException("it is nested too deeply", e);
    }
  }
}
