// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import com.typesafe.config.Config;
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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.anabranch.server.base.Hooks.Operation;
import org.anabranch.server.base.Hooks.Subject;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableFile;
import org.anabranch.server.state.DurableSteps;
import org.anabranch.server.state.StateDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code hooks.json}: operations whose before- hook may have run, and whose after- hook has not
 * ended. If the server dies, the next start finds them here. Any thread.
 *
 * <pre>{@code
 * {"version":1,"begun":[
 *   {"operation":"create","run":"0c6e...","snapshots":["vm1@a","vm2@a"]}
 * ]}
 * }</pre>
 */
final class BegunOperations {
  private static final Logger LOG = LoggerFactory.getLogger(BegunOperations.class);
  private static final int VERSION = 1;
  private static final int MAX_BYTES = 16 << 20;

  /**
   * An operation on some volumes.
   *
   * @param run tells its programs from all others; empty in the file of an older version
   */
  record Entry(Operation operation, List<Subject> subjects, String run) {
    /** One that begins now. */
    static Entry of(Operation operation, List<Subject> subjects) {
      return new Entry(operation, List.copyOf(subjects), UUID.randomUUID().toString());
    }
  }

  private final DurableFile file;
  private final List<Entry> entries = new ArrayList<>(); // guarded by this

  private BegunOperations(DurableFile file) {
    this.file = file;
  }

  /**
   * Reads the file. One that is damaged is put aside: then nobody knows what was begun, and the log
   * says so.
   *
   * @param folder the state directory
   * @param steps is notified of each durable step of the file
   */
  static BegunOperations open(Path folder, DurableSteps steps) throws RefusedException {
    BegunOperations found =
        new BegunOperations(new DurableFile(folder.resolve("hooks.json"), steps));
    try {
      if (found.file.exists()) {
        found.read();
      }
      found.file.keepRoom();
    } catch (IOException e) {
      throw new RefusedException(found.file.path() + ": " + StateDirectory.reason(e), e);
    }
    return found;
  }

  private synchronized void read() throws IOException {
    try {
      entries.addAll(parse(file.read(MAX_BYTES)));
    } catch (CharacterCodingException e) {
      putAside("it is no UTF-8");
    } catch (RefusedException | RuntimeException e) {
      putAside(String.valueOf(e.getMessage()));
    } catch (StackOverflowError e) {
      putAside("it is nested too deeply");
    }
  }

  private void putAside(String reason) throws IOException {
    Path aside = file.path().resolveSibling("hooks.json.damaged");
    Files.move(file.path(), aside, StandardCopyOption.REPLACE_EXISTING);
    LOG.error(
        "{} is damaged and was put aside as {}: {}; if the server died while hooks ran, what they"
            + " froze is to be thawed by hand",
        file.path(),
        aside,
        reason);
  }

  private static List<Entry> parse(String text) throws RefusedException {
    Config root =
        ConfigFactory.parseString(text, ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
    if (root.getInt("version") != VERSION) {
      throw new RefusedException("it has version " + root.getInt("version"));
    }
    List<Entry> found = new ArrayList<>();
    for (Config entry : root.getConfigList("begun")) {
      List<Subject> subjects = new ArrayList<>();
      for (String device : entry.getStringList("snapshots")) {
        int at = device.indexOf('@');
        if (at <= 0) {
          throw new RefusedException("\"" + device + "\" is no volume@snapshot");
        }
        subjects.add(new Subject(device.substring(0, at), device));
      }
      String operation = entry.getString("operation").toUpperCase(Locale.ROOT);
      String run = entry.hasPath("run") ? entry.getString("run") : "";
      found.add(new Entry(Operation.valueOf(operation), subjects, run));
    }
    return found;
  }

  /** What a server has left behind that died. */
  synchronized List<Entry> all() {
    return List.copyOf(entries);
  }

  /**
   * Remembers an operation. Durable when this returns.
   *
   * @throws RefusedException when that cannot be written
   */
  synchronized void add(Entry entry) throws RefusedException {
    entries.add(entry);
    try {
      write();
    } catch (IOException e) {
      entries.remove(entry);
      throw new RefusedException(
          "hooks cannot run, since "
              + file.path()
              + " cannot be written: "
              + StateDirectory.reason(e),
          e);
    }
  }

  /** All that comes after it has been done. */
  synchronized void remove(Entry entry) {
    entries.remove(entry);
    try {
      write();
    } catch (IOException e) {
      LOG.error(
          "{} cannot be written: {}; the next start runs the after- hooks of {} once more",
          file.path(),
          StateDirectory.reason(e),
          String.join(", ", entry.subjects().stream().map(Subject::device).toList()));
    }
  }

  private synchronized void write() throws IOException {
    List<Map<String, Object>> begun = new ArrayList<>();
    for (Entry entry : entries) {
      Map<String, Object> each = new LinkedHashMap<>();
      each.put("operation", entry.operation().name().toLowerCase(Locale.ROOT));
      each.put("run", entry.run());
      each.put("snapshots", entry.subjects().stream().map(Subject::device).toList());
      begun.add(each);
    }
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("version", VERSION);
    root.put("begun", begun);
    file.write(ConfigValueFactory.fromMap(root).render(ConfigRenderOptions.concise()) + "\n");
    file.keepRoom();
  }
}
