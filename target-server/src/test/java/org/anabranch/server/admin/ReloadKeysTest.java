// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigRenderOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.anabranch.config.Configuration;
import org.anabranch.config.reader.ConfigurationFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each key of reference.conf: a reload applies another value, or names what it cannot apply. */
final class ReloadKeysTest {
  private static final String TARGET = "targets.\"iqn.2026-11.org.example:t\".";

  private static final String BASE =
      """
      portals = ["127.0.0.1:3260"]
      state-dir = state
      volumes {
        v { path = v.img, size = 8 MiB, hooks { before-create = ["/bin/true"] } }
        w { path = w.img, size = 8 MiB }
        r { rbd = "rbd/r" }
      }
      devices { d = "0 8 linear v 0" }
      targets { "iqn.2026-11.org.example:t" {
        luns { 0 = v, 1 { device = w } }
        chap { user = u, secret = first-secret-16, mutual { user = m, secret = mutual-secret-16 } }
      } }
      discovery { chap { user = finder, secret = finder-secret-16 } }
      snapshots { s { volumes = [v], every = 1 h, keep = 3 } }
      hooks { after-create = ["/bin/true"] }
      http { listen = "127.0.0.1:9287" }
      """;

  /** A key, and another value of it. */
  private static final String CHANGES =
      """
      portals = ["127.0.0.1:3261"]
      portals = [{ listen = "127.0.0.1:3260", group = 2 }]
      portals = [{ listen = "127.0.0.1:3260", advertise = "127.0.0.1:99" }]
      state-dir = other
      control-group = root
      image-dir = other
      volumes.v.path = x.img
      volumes.v.size = 9 MiB
      volumes.v.size = 7 MiB
      volumes.v.block-size = 4096
      volumes.v.physical-block-size = 4096
      volumes.v.read-only = true
      volumes.v.removable = true
      volumes.v.serial = abc
      volumes.v.naa = 6001405d4a3f9c0b51c44b0a7d6f2e18
      volumes.v.t10 = "LIO-ORG abc"
      volumes.v.vendor = OTHER
      volumes.v.product = other
      volumes.v.revision = 2
      volumes.v.limits.iops = 5
      volumes.v.hooks.after-merge = ["/bin/true"]
      volumes.v.hooks.time-limit = 11 s
      volumes.u = { path = u.img, size = 8 MiB }
      volumes.n = { nbd = "nbd+unix:///n?socket=/run/n.sock" }
      volumes.c = { rbd = "pool/namespace/c", size = 8 MiB }
      volumes.r.rbd = rbd/s
      ceph.conf = other.conf
      ceph.user = other
      volume-defaults.block-size = 4096
      volume-defaults.physical-block-size = 4096
      volume-defaults.read-only = true
      volume-defaults.removable = true
      volume-defaults.limits.iops = 5
      volume-defaults.limits.read-iops = 5
      volume-defaults.limits.write-iops = 5
      volume-defaults.limits.bytes-per-second = 1 MB
      volume-defaults.limits.read-bytes-per-second = 1 MB
      volume-defaults.limits.write-bytes-per-second = 1 MB
      volume-defaults.limits.burst = 200 ms
      devices.d = "0 8 linear v 8"
      devices.e = "0 8 zero"
      TARGET.luns.1.device = d
      TARGET.luns.1.read-only = true
      TARGET.luns.1.initiators = ["iqn.2026-11.org.example:host"]
      TARGET.luns.2 = d
      TARGET.initiators = ["iqn.2026-11.org.example:*"]
      TARGET.addresses = ["127.0.0.0/8"]
      TARGET.alias = disk
      TARGET.portal-groups = [1]
      TARGET.chap.user = other
      TARGET.chap.secret = other-secret-16
      TARGET.chap.digests = [SHA256]
      TARGET.chap.mutual.user = other
      TARGET.chap.mutual.secret = another-secret-16
      TARGET.chap.initiators = ["iqn.2026-11.org.example:host"]
      TARGET.open-to-anyone = true
      discovery.chap.user = other
      discovery.chap.secret = other-secret-16
      discovery.idle-timeout = 31 s
      stores.autoextend.enabled = false
      stores.autoextend.threshold = 81
      stores.autoextend.step = 512 MiB
      stores.autoextend.limit = 1 GiB
      stores.warn-below = 2 GiB
      stores.pool = rbd
      snapshots.s.volumes = [w]
      snapshots.s.every = 2 h
      snapshots.s.keep = 4
      snapshots.s.offset = 1 min
      snapshots.s.chunk-size = 16 KiB
      snapshots.s.size = 1 GiB
      snapshots.s.read-only = true
      merge-grace = 1 s
      hooks.before-create = ["/bin/true"]
      hooks.after-create = ["/bin/false"]
      hooks.before-merge = ["/bin/true"]
      hooks.after-merge = ["/bin/true"]
      hooks.user = nobody
      hooks.environment.KEY = value
      hooks.time-limit = 11 s
      hooks.on-failure = go-on
      hooks { shell = true, after-create = "true" }
      limits.sessions = 1025
      limits.sessions-per-initiator = 513
      limits.discovery-sessions = 65
      limits.connections = 2049
      limits.silent-connections = 16385
      limits.connections-per-address = 1025
      limits.connections-before-login = 257
      limits.login-burst = 513
      limits.login-rate = 101
      limits.unsent = 65 MiB
      limits.queue-depth = 129
      limits.memory = 257 MiB
      limits.control-commands = 65
      limits.control-waiting = 257
      write-cache.size = 1 MiB
      write-cache.path = ring
      http.listen = "127.0.0.1:9288"
      iscsi.login-timeout = 16 s
      iscsi.keepalive-interval = 31 s
      iscsi.keepalive-timeout = 61 s
      iscsi.send-timeout = 31 s
      iscsi.max-recv-data-segment-length = 512 KiB
      iscsi.max-burst-length = 2 MiB
      iscsi.first-burst-length = 128 KiB
      iscsi.max-outstanding-r2t = 5
      log.format = json
      log.level = debug
      """
          .replace("TARGET.", TARGET);

  /** Allows what another key says, and has no effect of its own while that stays as it is. */
  private static final Set<String> WITHOUT_EFFECT = Set.of("http.open-to-anyone");

  /** Examples among the comments: names that the administrator chooses. */
  private static final Set<String> CHOSEN = Set.of("vm1", "raw0", "two", "hourly");

  private static final Pattern WORDS_IN_COMMENT =
      Pattern.compile("(?:^|[{,(] *)([a-z][a-z0-9-]*) *(?:= |\\{)");

  @TempDir private Path folder;

  private Configuration read(String more) throws Exception {
    String text =
        ConfigFactory.parseString(more) // a file may give a key once only
            .withFallback(ConfigFactory.parseString(BASE))
            .root()
            .render(ConfigRenderOptions.concise());
    return ConfigurationFile.parse("test", "anabranch " + text, folder);
  }

  @Test
  void eachChangedKeyIsAppliedOrNamed() throws Exception {
    Configuration before = read("");
    for (String change : CHANGES.lines().toList()) {
      ReloadPlan plan = ReloadPlan.of(before, read(change));
      assertThat(plan.isEmpty()).as("nothing is said of %s", change).isFalse();
      String key = change.replaceAll("[ ={].*", "");
      if (!plan.refusals().isEmpty()) {
        assertThat(plan.refusals())
            .as(change)
            .allSatisfy(refusal ->
                assertThat(refusal).containsAnyOf("restart the server", "start it again"))
            .anySatisfy(refusal -> assertThat(refusal).contains(word(key)));
      }
    }
  }

  /** The key's own name, or that of the section that cannot change as a whole. */
  private static String word(String key) {
    return key.startsWith("http.") ? "http" : key.substring(key.lastIndexOf('.') + 1);
  }

  /** The secret is the same key, read from a file that has changed. */
  @Test
  void anotherSecretInAFileIsApplied() throws Exception {
    String base = BASE.replace("secret = first-secret-16", "secret-file = s");
    Files.writeString(folder.resolve("s"), "first-secret-16\n");
    Configuration before = ConfigurationFile.parse("t", "anabranch {" + base + "}", folder);
    Files.writeString(folder.resolve("s"), "other-secret-16\n");
    Configuration after = ConfigurationFile.parse("t", "anabranch {" + base + "}", folder);
    assertThat(ReloadPlan.of(before, after).summary())
        .containsExactly("target iqn.2026-11.org.example:t: who may log in");
  }

  /** A key that is new in reference.conf has to be added here, and to the plan. */
  @Test
  void noKeyOfTheReferenceIsForgotten() throws Exception {
    String text = reference();
    Set<String> tried = new TreeSet<>(WITHOUT_EFFECT);
    for (String change : CHANGES.lines().toList()) {
      tried.add(change.replaceAll("[ ={].*", ""));
    }
    tried.add("hooks.shell");
    Set<String> keys =
        ConfigFactory.parseString(text).getConfig("anabranch").entrySet().stream()
            .map(entry -> entry.getKey())
            .filter(key -> !tried.contains(key))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(keys).as("keys with a default that no change here has").isEmpty();

    Set<String> words = new TreeSet<>(CHOSEN);
    Matcher word = Pattern.compile("[a-z][a-z0-9-]*").matcher(CHANGES);
    while (word.find()) {
      words.add(word.group());
    }
    words.add("secret-file");
    for (String line : text.lines().toList()) {
      if (line.strip().startsWith("#")) {
        Matcher matcher = WORDS_IN_COMMENT.matcher(line.strip().replaceFirst("^[# ]+", ""));
        while (matcher.find()) {
          assertThat(words).as(line).contains(matcher.group(1));
        }
      }
    }
  }

  private static String reference() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            Configuration.class.getResourceAsStream("/org/anabranch/config/reference.conf"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
