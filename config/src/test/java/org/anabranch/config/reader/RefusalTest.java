// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.anabranch.config.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a bad file is told. */
final class RefusalTest {
  @Test
  void everythingIsReportedAtOnceInTheFilesOrder() {
    assertThat(
            Texts.problems(
                """
                anabranch {
                  portals = ["localhost:3260"]
                  volumes {
                    vm1 { path = "/srv/vm1.img", size = 20 Gib, blok-size = 512 }
                    "vm 2" { path = "/srv/vm2.img" }
                    vm3 { size = 1000 }
                  }
                  devices { vm1 = "0 1 zero", d = "0 none zero" }
                  targets {
                    "iqn.2026-11.org.example:t" { luns { 0 = vm4, 16384 = vm1 }, initiators = "a,b" }
                  }
                  limitz {}
                }
                """))
        .map(Problem::toString)
        .containsExactly(
            "test.conf:2: anabranch.portals: found \"localhost:3260\"; allowed: ADDRESS:PORT such as"
                + " 127.0.0.1:3260, 0.0.0.0:3260 or [::1]:3260",
            "test.conf:4: anabranch.volumes.vm1.size: found \"20 Gib\"; allowed: a size from 512 B to 8 PiB"
                + " in whole multiples of 512 bytes, such as 64 MiB, 1.5 GiB, 2 TB or 2097152s (sectors)",
            "test.conf:4: anabranch.volumes.vm1.blok-size: unknown key; did you mean block-size?;"
                + " allowed: block-size, hooks, limits, naa, nbd, path, physical-block-size, product, rbd,"
                + " read-only, removable, revision, serial, size, t10, vendor",
            "test.conf:5: anabranch.volumes.\"vm 2\": not a volume's name; allowed: a name of 1 to 64"
                + " letters, digits, '.', '_', '+' and '-' that begins with a letter or digit",
            "test.conf:6: anabranch.volumes.vm3.path: missing; allowed: the path of a file",
            "test.conf:6: anabranch.volumes.vm3.size: found \"1000\"; allowed: a size from 512 B to 8 PiB in"
                + " whole multiples of 512 bytes, such as 64 MiB, 1.5 GiB, 2 TB or 2097152s (sectors)",
            "test.conf:8: anabranch.devices.d: found \"0 none zero\"; allowed: <start sector> <sectors>"
                + " <type> <arguments>, as dmsetup takes it",
            "test.conf:8: anabranch.devices.vm1: also the name of a volume; allowed: a name of its own",
            "test.conf:10: anabranch.targets.\"iqn.2026-11.org.example:t\".luns.0: found \"vm4\", but there is"
                + " no volume or device vm4; did you mean vm1?; allowed: d, vm 2, vm1, vm3",
            "test.conf:10: anabranch.targets.\"iqn.2026-11.org.example:t\".luns.16384: not a LUN; allowed: a"
                + " number from 0 to 16383",
            "test.conf:10: anabranch.targets.\"iqn.2026-11.org.example:t\".initiators: found \"a,b\": it has a comma;"
                + " allowed: an iSCSI name, or a pattern such as iqn.1993-08.org.debian:*, or *",
            "test.conf:12: anabranch.limitz: unknown key; did you mean limits?; allowed: ceph, control-group, devices, discovery, hooks,"
                + " http, image-dir, iscsi, limits, log, merge-grace, portals, snapshots, state-dir, stores, targets, volume-defaults,"
                + " volumes, write-cache");
  }

  @Test
  void writeCacheIsOffUnlessItHasASize() throws Exception {
    assertThat(Texts.parse("anabranch {}").writeCache())
        .hasToString("WriteCacheConfig[size=0, path=null]");
    assertThat(
            Texts.parse("anabranch { write-cache { size = 64 MiB, path = \"/dev/shm/ring\" } }")
                .writeCache())
        .hasToString("WriteCacheConfig[size=67108864, path=/dev/shm/ring]");
    assertThat(Texts.problems("anabranch { write-cache.size = 100 KiB }"))
        .singleElement()
        .asString()
        .contains("anabranch.write-cache.size: found \"100 KiB\"");
  }

  @Test
  void httpBeyondLoopbackMustBeMeant() throws Exception {
    assertThat(Texts.parse("anabranch {}").http()).isNull();
    assertThat(Texts.parse("anabranch { http.listen = \"127.0.0.1:9287\" }").http())
        .hasToString("127.0.0.1:9287");
    assertThat(Texts.parse("anabranch { http.listen = \"[::1]:0\" }").http())
        .hasToString("[0:0:0:0:0:0:0:1]:0");
    assertThat(Texts.problems("anabranch { http.listen = \"0.0.0.0:9287\" }"))
        .singleElement()
        .asString()
        .contains("anabranch.http.listen: found 0.0.0.0:9287, which other machines can reach")
        .contains("open-to-anyone = true");
    assertThat(
            Texts.parse("anabranch { http { listen = \"0.0.0.0:9287\", open-to-anyone = true } }")
                .http())
        .hasToString("0.0.0.0:9287");
    assertThat(Texts.problems("anabranch { http.listen = \"127.0.0.1\" }"))
        .singleElement()
        .asString()
        .contains("allowed: ADDRESS:PORT such as 127.0.0.1:9287");
  }

  @Test
  void brokenSyntaxNamesItsLine() {
    assertThat(Texts.problem("anabranch {\n  portals = [\n}\n")).startsWith("test.conf:2: ");
    assertThat(Texts.problem("anabranch { limits = ${nowhere} }")).contains("nowhere");
    assertThat(Texts.problem("x".repeat(20_000))).startsWith("test.conf");
    assertThat(Texts.problem("a=" + "[".repeat(100_000))).contains("nested too deeply");
    assertThat(Texts.problem("")).contains("no anabranch { ... } in it");
    assertThat(Texts.problem("anabranch = 7")).contains("found \"7\"").contains("an object");
    assertThat(Texts.problems("anabrunch {}"))
        .extracting(Problem::toString)
        .anyMatch(s -> s.contains("unknown key; did you mean anabranch?"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "volumes.v = 7 | anabranch.volumes.v: found \"7\"; allowed: an object: v { ... }",
        "volumes = [] | anabranch.volumes: found a list; allowed: an object: volumes { ... }",
        "volumes.v { path = [] } | anabranch.volumes.v.path: found a list",
        "volumes.v { path = \"\" } | anabranch.volumes.v.path: found \"\"",
        "volumes.v { path = /x, read-only = maybe } | read-only: found \"maybe\"; allowed: true or false",
        "volumes.v { path = /x, block-size = 1024 } | block-size: found \"1024\"; allowed: 512 or 4096",
        "volumes.v { path = /x, size = 0 } | size: found \"0\"",
        "volumes.v { path = /x, size = 9 EiB } | size: found \"9 EiB\"",
        "volumes.v { path = /x, size = -1 } | size: found \"-1\"",
        "volumes.v { path = /x, size = 4608, block-size = 4096 } | whole multiples of 4096 bytes",
        "volumes.v { path = /x, block-size = 4096, physical-block-size = 512 } | no less than block-size, 4096",
        "volumes { a { path = /x }, b { path = \"/y/../x\" } } | b.path: found /x, which is volume a's",
        "volumes.v { path = /x, limits { iops = -1 } } | limits.iops: found \"-1\"",
        "volumes.v { path = /x, limits { burst = 1 ms } } | limits.burst: found \"1 ms\"; allowed: a time from 10 ms to 1 h, such as 500 ms, 15 s or 2 min",
        "volumes.v { path = /x, limits { bytes-per-second = 100 } } | found \"100\"; allowed: 0 for no limit, or bytes a second from 4 KiB to 1 PiB, such as 50 MB or 64 MiB",
        "volumes.v { path = /x, limits { bytes-per-second = -5 MB/s } } | found \"-5 MB/s\"",
        "volumes.v { path = /x, limits { iop = 1 } } | limits.iop",
        "volume-defaults.limits.bytes-per-second = fast | limits.bytes-per-second: found \"fast\"",
        "volume-defaults.block-size = 513 | anabranch.volume-defaults.block-size: found \"513\"",
        "devices.d = [] | found 0 rows; allowed: 1 to 4096 rows",
        "devices.d = [\"0 8 zero\", \"9 8 zero\"] | begins at sector 9; allowed: rows without gaps, from sector 0 on; here 8",
        "devices.d = \"1 8 zero\" | begins at sector 1",
        "devices.d = \"0 0 zero\" | found \"0 0 zero\"",
        "devices.d = \"0 99999999999999999 zero\" | found \"0 99999999999999999 zero\"",
        "devices.d = { a = 1 } | found an object",
        "portals = [] | anabranch.portals: an empty list",
        "portals = [\"127.0.0.1:1\", \"127.0.0.1:1\"] | found 127.0.0.1:1 twice",
        "limits { sessions = 10, connections = 9 } | found 9; allowed: no fewer than the 10 sessions",
        "portals = { listen = \"127.0.0.1\", group = 0 } | portals.group: found \"0\"",
        "portals = { group = 1 } | portals.listen: missing",
        "portals = { listen = \"127.0.0.1\", advertise = [] } | portals.advertise: an empty list",
        "portals = { listen = \"127.0.0.1\", advertise = \"a:0\" } | portals.advertise: found \"a:0\"",
        "portals = [\"127.0.0.1:1\", { listen = \"127.0.0.1:1\", group = 2 }] | found 127.0.0.1:1 twice",
        "discovery.chap = [] | anabranch.discovery.chap: an empty list",
        "discovery.chap = 7 | anabranch.discovery.chap: found \"7\"; allowed: an object: chap { ... }, or a list",
        "discovery.idle-timeout = 0 | discovery.idle-timeout: found \"0\"",
        "log.format = syslog | found \"syslog\"; allowed: plain or logfmt or json or journal",
        "log.level = chatty | found \"chatty\"; allowed: error or warn or info or debug or trace",
        "limits.login-burst = 0 | a whole number from 1 to 100000",
        "limits.login-rate = 0 | a whole number from 1 to 100000",
        "limits.memory = 1 MiB | from 64 MiB to 1 TiB",
        "limits.queue-depth = 2.5 | a whole number from 1 to 4096",
        "limits.queue-depth = 99999999999 | a whole number from 1 to 4096",
        "iscsi.login-timeout = 10 parsecs | a time from 1 s to 10 min",
        "iscsi { first-burst-length = 2 MiB } | no more than max-burst-length, 1 MiB",
        "iscsi.max-burst-length = 262145 | in whole multiples of 4 bytes",
        "iscsi.keepalive-interval = 0 | a time from 1 s to 1 d",
        "targets { iqn.2026-11.org.example { luns { } } } | anabranch.targets.iqn: not an iSCSI name; put the target's name in quotes",
        "targets { \"vm1\" { luns { } } } | anabranch.targets.vm1: not an iSCSI name; allowed: an iSCSI name in quotes",
        "targets { \"iqn.2026-11.org.example:t\" { luns = 1 } } | found \"1\"; allowed: an object: luns { ... }",
      })
  void oneMistakeIsOneProblem(String text, String expected) {
    assertThat(Texts.problem("anabranch { " + text + " }")).contains(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a/b", "v@", "@s", "v@s@t", "", "../x", "v@a b"})
  void lunsReferToNamesOnly(String reference) {
    assertThat(
            Texts.problem(
                """
                anabranch { volumes { v { path = /x } }
                  targets { "iqn.2026-11.org.example:t" { luns { 0 = "%s" } } } }
                """
                    .formatted(reference)))
        .contains("allowed: a volume or device, or volume@snapshot");
  }

  @ParameterizedTest
  @ValueSource(strings = {"00", "01", "-1", "16384", "a", "1.5", "+1"})
  void lunNumbersAreCanonical(String number) {
    assertThat(
            Texts.problem(
                """
                anabranch { volumes { v { path = /x } }
                  targets { "iqn.2026-11.org.example:t" { luns { "%s" = v } } } }
                """
                    .formatted(number)))
        .contains("not a LUN; allowed: a number from 0 to 16383");
  }

  @Test
  void oneNameInTwoSpellingsIsOneTarget() {
    assertThat(
            Texts.problem(
                """
                anabranch { volumes { v { path = /x } }, targets {
                  "iqn.2026-11.org.example:t" { luns { 0 = v } }
                  "iqn.2026-11.org.example:T" { luns { 0 = v } } } }
                """))
        .contains("the same name as another target's");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[\"0.0.0.0:3260\"]", "[\"127.0.0.1\", \"[::]:3260\"]", "\"192.0.2.1:3260\""})
  void anExposedTargetMustSayWhoMayLogIn(String portals) throws Exception {
    String expected = "anybody who reaches a portal could log in: neither initiators nor chap";
    assertThat(Texts.problem(Texts.withTarget(portals, "")))
        .contains(expected)
        .contains("test.conf:4");
    assertThat(Texts.problem(Texts.withTarget(portals, "initiators = [\"*\"]"))).contains(expected);
    assertThat(Texts.problem(Texts.withTarget(portals, "open-to-anyone = false")))
        .contains(expected);
    assertThat(Texts.problem(Texts.withTarget(portals, "addresses = \"192.0.2.0/24\"")))
        .contains(expected);
    for (String enough :
        List.of(
            "initiators = [\"iqn.1993-08.org.debian:*\"]",
            "chap { user = u, secret = \"0123456789abcdef\" }",
            "open-to-anyone = true")) {
      assertThat(Texts.parse(Texts.withTarget(portals, enough)).targets()).hasSize(1);
    }
  }

  /** What is reached from elsewhere by other means than a portal's own address is exposed, too. */
  @Test
  void aLoopbackPortalThatAdvertisesAnotherAddressIsExposed() throws Exception {
    String nat = "[{ listen = \"127.0.0.1\", advertise = \"192.0.2.7\" }]";
    assertThat(Texts.problem(Texts.withTarget(nat, ""))).contains("anybody who reaches a portal");
    for (String pattern : List.of("**", "iqn.*", "*:*")) {
      assertThat(Texts.problem(Texts.withTarget(nat, "initiators = \"" + pattern + "\"")))
          .as(pattern)
          .contains("anybody who reaches a portal");
    }
    String two = "[\"127.0.0.1\", { listen = \"0.0.0.0:3261\", group = 2 }]";
    assertThat(Texts.problem(Texts.withTarget(two, ""))).contains("anybody who reaches a portal");
    assertThat(Texts.parse(Texts.withTarget(two, "portal-groups = 1")).targets()).hasSize(1);
  }

  @Test
  void onLoopbackATargetMayBeOpen() throws Exception {
    assertThat(Texts.parse(Texts.withTarget("[\"127.0.0.2:1\", \"[::1]\"]", "")).targets())
        .hasSize(1);
  }

  @Test
  void emptyListsWouldReadAsNobodyAndAreRefused() {
    assertThat(Texts.problem(Texts.withTarget("\"127.0.0.1\"", "initiators = []")))
        .contains("initiators: an empty list");
    assertThat(Texts.problem(Texts.withTarget("\"127.0.0.1\"", "addresses = []")))
        .contains("addresses: an empty list");
  }

  @Test
  void portalGroupsAndAliasesAreChecked() {
    String loopback = "\"127.0.0.1\"";
    assertThat(Texts.problem(Texts.withTarget(loopback, "portal-groups = [1, 7]")))
        .contains("portal-groups: found 7, but no portal is in this group; allowed: 1");
    assertThat(Texts.problem(Texts.withTarget(loopback, "portal-groups = []")))
        .contains("portal-groups: an empty list");
    assertThat(
            Texts.problem(Texts.withTarget(loopback, "alias = \"" + "\u00e9".repeat(128) + "\"")))
        .contains("alias: found")
        .contains("1 to 255 bytes");
  }

  @Test
  void aChapUserIsThereOnceForAnInitiator() throws Exception {
    String loopback = "\"127.0.0.1\"";
    String user = "{ user = u, secret = \"0123456789abcdef\" %s }";
    assertThat(
            Texts.problem(
                Texts.withTarget(
                    loopback, "chap = [" + user.formatted("") + ", " + user.formatted("") + "]")))
        .contains("chap.user: user u twice");
    assertThat(
            Texts.parse(
                    Texts.withTarget(
                        loopback,
                        "chap = ["
                            + user.formatted(", initiators = \"iqn.2026-11.org.example:a\"")
                            + ", "
                            + user.formatted(", initiators = \"iqn.2026-11.org.example:b\"")
                            + "]"))
                .warnings())
        .isEmpty();
  }

  @Test
  void chapTakesKnownDigestsAndPrintableNames() {
    String loopback = "\"127.0.0.1\"";
    String chap = "chap { user = u, secret = \"0123456789abcdef\", digests = %s }";
    assertThat(Texts.problem(Texts.withTarget(loopback, chap.formatted("[MD5, MD4]"))))
        .contains("chap.digests: found \"MD4\"; allowed: MD5 or SHA1 or SHA256 or SHA3-256");
    assertThat(Texts.problem(Texts.withTarget(loopback, chap.formatted("[]"))))
        .contains("chap.digests: an empty list");
    String controls = "chap { user = \"a\\u0000b\", secret = \"0123456789abcdef\" }";
    assertThat(Texts.problem(Texts.withTarget(loopback, controls)))
        .contains("chap.user: found")
        .contains("none of them a control character");
  }

  @Test
  void chapNeedsGoodSecretsThatNothingShows() {
    String loopback = "\"127.0.0.1\"";
    String tooShort = "chap { user = u, secret = \"hunter2 abc\" }";
    assertThat(Texts.problem(Texts.withTarget(loopback, tooShort)))
        .contains("chap.secret: found 11 bytes; allowed: 12 to 255 bytes")
        .doesNotContain("hunter2");
    assertThat(
            Texts.problem(
                Texts.withTarget(loopback, "chap { user = u, secret = ${?NOT_SET_ANYWHERE} }")))
        .contains(
            "chap.secret: missing (if it comes from an environment variable, that variable is not set)");
    assertThat(
            Texts.problem(
                Texts.withTarget(
                    loopback,
                    "chap { user = u, secret = \"hunter2 hunter2\", mutual { user = t, secret = \"hunter2"
                        + " hunter2\" } }")))
        .contains("chap.mutual.secret: the same secret in both directions")
        .doesNotContain("hunter2");
    assertThat(
            Texts.problem(
                Texts.withTarget(loopback, "chap { user = u, secret = [\"hunter2 hunter2\"] }")))
        .contains("chap.secret: found a list or object")
        .doesNotContain("hunter2");
    assertThat(
            Texts.problem(
                Texts.withTarget(loopback, "chap { user = u, secret = \"hunter2 hunter2\" x ] }")))
        .doesNotContain("hunter2");
  }
}
