// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.ChapDigest;
import org.anabranch.config.Configuration;
import org.anabranch.config.IdentityConfig;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.IscsiConfig;
import org.anabranch.config.LimitsConfig;
import org.anabranch.config.LogConfig;
import org.anabranch.config.LunConfig;
import org.anabranch.config.PeerLimitsConfig;
import org.anabranch.config.Portal;
import org.anabranch.config.Problem;
import org.anabranch.config.Secret;
import org.anabranch.config.TableLine;
import org.anabranch.config.TargetConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.VolumeLimits;
import org.anabranch.config.source.FileSource;
import org.anabranch.naming.AdvertisedAddress;
import org.anabranch.naming.InitiatorPattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a good file means. */
final class ConfigurationTest {
  @TempDir Path folder;

  private static TargetConfig target(Configuration configuration, String name) {
    return Objects.requireNonNull(configuration.targets().get(name));
  }

  @Test
  void everyKeyIsRead() throws Exception {
    Configuration c = Texts.parse(Texts.GOOD);

    assertThat(c.portals())
        .map(Portal::toString)
        .containsExactly("127.0.0.1:3260", "[0:0:0:0:0:0:0:1]:3261");
    assertThat(c.stateDir()).isEqualTo(Path.of("/var/lib/anabranch"));
    assertThat(c.volumes())
        .containsOnlyKeys("k4", "old", "vm1", "vm2")
        .containsEntry(
            "vm1",
            new VolumeConfig(
                "vm1", new FileSource(Path.of("/srv/vm1.img")), 20L << 21, 512, 4096, false, false))
        .containsEntry(
            "vm2",
            new VolumeConfig(
                "vm2",
                new FileSource(Path.of("/etc/anabranch/vm2.img")),
                4097,
                512,
                16384,
                true,
                true))
        .containsEntry(
            "k4",
            new VolumeConfig(
                "k4", new FileSource(Path.of("/srv/k4.img")), 3L << 20, 4096, 4096, false, false))
        .containsEntry(
            "old",
            new VolumeConfig(
                "old",
                new FileSource(Path.of("/srv/old.img")),
                0,
                512,
                4096,
                false,
                false,
                IdentityConfig.NONE,
                new VolumeLimits(
                    500, 400, 300, 50_000_000, 40_000_000, 30_000_000, Duration.ofSeconds(2))));
    assertThat(c.devices()).containsOnlyKeys("raw0", "two");
    assertThat(Objects.requireNonNull(c.devices().get("two")).table())
        .map(TableLine::toString)
        .containsExactly("0 2048 linear vm1 0", "2048 2048 zero");
    assertThat(Objects.requireNonNull(c.devices().get("raw0")).table())
        .containsExactly(new TableLine(0, 2097152, "linear", List.of("/srv/x.img", "0")));
    assertThat(c.limits())
        .isEqualTo(
            new LimitsConfig(
                10, 20, 30, new PeerLimitsConfig(15, 5, 7, 8, 6, 4, 2 << 20), 32, 64L << 20, 7, 9));
    assertThat(c.iscsi())
        .isEqualTo(
            new IscsiConfig(
                Duration.ofSeconds(5),
                Duration.ofMinutes(1),
                Duration.ofSeconds(500),
                Duration.ofHours(1),
                64 << 10,
                512 << 10,
                64 << 10,
                1));
  }

  @Test
  void targetsAreRead() throws Exception {
    Configuration c = Texts.parse(Texts.GOOD);
    TargetConfig vm1 = target(c, "iqn.2026-11.org.example:vm1");
    assertThat(vm1.luns()).containsOnlyKeys(0, 1, 16383);
    assertThat(vm1.luns().get(1))
        .isEqualTo(new LunConfig(1, "vm1@before-upgrade", false, List.of()));
    assertThat(vm1.access().initiators())
        .containsExactly(new InitiatorPattern("iqn.1993-08.org.debian:*"));
    assertThat(vm1.access().addresses()).hasSize(2);
    assertThat(vm1.access().addresses().getFirst().contains(InetAddress.ofLiteral("127.9.9.9")))
        .isTrue();
    assertThat(vm1.chap())
        .containsExactly(
            new ChapConfig(
                "vm1",
                new Secret("correct horse 16"),
                EnumSet.of(ChapDigest.SHA256, ChapDigest.MD5),
                new ChapConfig.Mutual("target", new Secret("battery staple16")),
                List.of()));
    assertThat(vm1.alias()).isEqualTo("one disk");
    assertThat(vm1.portalGroups()).containsExactly(1, 2);
    TargetConfig eui = target(c, "eui.0123456789abcdef");
    assertThat(eui.chap()).map(ChapConfig::user).containsExactly("a", "b");
    assertThat(eui.chap().get(1).initiators())
        .containsExactly(new InitiatorPattern("iqn.2026-11.org.example:b*"));
    assertThat(eui.portalGroups()).isEmpty();
    assertThat(c.portals().getLast().group()).isEqualTo(2);
    assertThat(c.portals().getLast().advertised())
        .containsExactly(new AdvertisedAddress("nas.example", 1));
    assertThat(c.discovery().chap()).map(ChapConfig::user).containsExactly("finder");
    assertThat(c.discovery().idleTimeout()).isEqualTo(Duration.ofMinutes(5));
    assertThat(c.log()).isEqualTo(new LogConfig(LogConfig.Format.JSON, LogConfig.Level.WARN));
    assertThat(eui.openToAnyone()).isTrue();
    assertThat(eui.luns().get(0))
        .isEqualTo(
            new LunConfig(
                0, "two", true, List.of(new InitiatorPattern("iqn.2026-11.org.example:backup"))));
  }

  @Test
  void whatIsLeftOutHasTheDefaultOfTheReference() throws Exception {
    Configuration c = Texts.parse("anabranch {}");
    assertThat(c.portals()).map(Portal::toString).containsExactly("127.0.0.1:3260");
    assertThat(c.stateDir()).isEqualTo(Path.of("/var/lib/anabranch"));
    assertThat(c.volumes()).isEmpty();
    assertThat(c.devices()).isEmpty();
    assertThat(c.targets()).isEmpty();
    assertThat(c.limits())
        .isEqualTo(
            new LimitsConfig(
                1024,
                2048,
                16384,
                new PeerLimitsConfig(1024, 256, 512, 100, 512, 64, 64L << 20),
                128,
                256L << 20,
                64,
                256));
    assertThat(c.iscsi().loginTimeout()).isEqualTo(Duration.ofSeconds(15));
    assertThat(c.log()).isEqualTo(new LogConfig(LogConfig.Format.PLAIN, LogConfig.Level.INFO));
    assertThat(c.iscsi().maxOutstandingR2t()).isEqualTo(4);
  }

  /** Each key is in the reference: those with a default as a value, the others in the comments. */
  @Test
  void theReferenceNamesEveryKey() throws Exception {
    String reference;
    try (var in =
        Objects.requireNonNull(Configuration.class.getResourceAsStream("reference.conf"))) {
      reference = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    assertThat(Texts.parse(reference)).isNotNull();
    for (Problem problem : Texts.problems(unknownKeyEverywhere())) {
      for (String key : problem.allowed().split(", ", -1)) {
        assertThat(reference).as(problem.toString()).containsPattern("\\b" + key + "\\b");
      }
    }
  }

  private static String unknownKeyEverywhere() {
    return Texts.GOOD
        .replace("portals =", "xyzzy = 1, portals =")
        .replace("{ block-size", "{ xyzzy = 1, block-size")
        .replace("{ path = \"/srv/vm1.img\"", "{ xyzzy = 1, path = \"/srv/vm1.img\"")
        .replace("initiators = [\"iqn.1993", "xyzzy = 1, initiators = [\"iqn.1993")
        .replace("user =", "xyzzy = 1, user =")
        .replace("{ device =", "{ xyzzy = 1, device =")
        .replace("{ listen", "{ xyzzy = 1, listen")
        .replace("discovery {", "discovery { xyzzy = 1,")
        .replace("log {", "log { xyzzy = 1,")
        .replace("limits {", "limits { xyzzy = 1,")
        .replace("discovery {", "http { xyzzy = 1 }, discovery {")
        .replace("iscsi {", "iscsi { xyzzy = 1,");
  }

  @Test
  void unknownKeysAreFoundAtEveryLevel() {
    assertThat(Texts.problems(unknownKeyEverywhere()))
        .map(Problem::key)
        .containsExactly(
            "anabranch.portals.xyzzy",
            "anabranch.xyzzy",
            "anabranch.volume-defaults.limits.xyzzy",
            "anabranch.volume-defaults.xyzzy",
            "anabranch.volumes.vm1.xyzzy",
            "anabranch.volumes.old.limits.xyzzy",
            "anabranch.targets.\"iqn.2026-11.org.example:VM1\".xyzzy",
            "anabranch.targets.\"iqn.2026-11.org.example:VM1\".chap.xyzzy",
            "anabranch.targets.\"iqn.2026-11.org.example:VM1\".chap.mutual.xyzzy",
            "anabranch.targets.\"eui.0123456789abcdef\".luns.0.xyzzy",
            "anabranch.targets.\"eui.0123456789abcdef\".chap.xyzzy",
            "anabranch.targets.\"eui.0123456789abcdef\".chap.xyzzy",
            "anabranch.log.xyzzy",
            "anabranch.discovery.chap.xyzzy",
            "anabranch.discovery.xyzzy",
            "anabranch.http.xyzzy",
            "anabranch.limits.xyzzy",
            "anabranch.iscsi.xyzzy");
  }

  @Test
  void volumeDefaultsApplyToVolumes() throws Exception {
    Configuration c =
        Texts.parse(
            """
            anabranch {
              volume-defaults { block-size = 4096, read-only = true }
              volumes { a { path = "/a" }, b { path = "/b", block-size = 512, read-only = false } }
            }
            """);
    assertThat(c.volumes().get("a"))
        .isEqualTo(
            new VolumeConfig("a", new FileSource(Path.of("/a")), 0, 4096, 4096, true, false));
    assertThat(c.volumes().get("b"))
        .isEqualTo(new VolumeConfig("b", new FileSource(Path.of("/b")), 0, 512, 512, false, false));
  }

  @Test
  void limitsOfAVolumeAreOverThoseOfAll() throws Exception {
    Configuration c =
        Texts.parse(
            """
            anabranch {
              volume-defaults.limits { iops = 500, bytes-per-second = 10 MB }
              volumes { a { path = "/a", limits.iops = 0 }, b { path = "/b" } }
            }
            """);
    assertThat(Objects.requireNonNull(c.volumes().get("a")).limits())
        .isEqualTo(new VolumeLimits(0, 0, 0, 10_000_000, 0, 0, Duration.ofMillis(100)));
    assertThat(Objects.requireNonNull(c.volumes().get("b")).limits())
        .isEqualTo(new VolumeLimits(500, 0, 0, 10_000_000, 0, 0, Duration.ofMillis(100)));
  }

  @Test
  void substitutionsComeFromTheFileAndTheEnvironment() throws Exception {
    Configuration c =
        Texts.parse(
            """
            anabranch.state-dir = "/srv"
            anabranch.volumes {
              a { path = ${anabranch.state-dir}/a.img, size = ${?NO_SUCH_VARIABLE_HERE} }
              b { path = ${PATH} }
            }
            """);
    assertThat(Objects.requireNonNull(c.volumes().get("a")))
        .isEqualTo(
            new VolumeConfig(
                "a", new FileSource(Path.of("/srv/a.img")), 0, 512, 512, false, false));
    assertThat(Objects.requireNonNull(c.volumes().get("b")).source())
        .isEqualTo(
            new FileSource(Path.of(Objects.requireNonNull(System.getenv("PATH"))).normalize()));
  }

  @Test
  void relativePathsAreRelativeToTheFile() throws Exception {
    Path file = folder.resolve("a.conf");
    Files.writeString(
        file, "anabranch { state-dir = state, volumes { v { path = \"../v.img\" } } }");
    Configuration c = ConfigurationFile.read(file);
    assertThat(c.stateDir()).isEqualTo(folder.resolve("state"));
    assertThat(Objects.requireNonNull(c.volumes().get("v")).source())
        .isEqualTo(new FileSource(folder.resolveSibling("v.img")));
  }

  @Test
  void includesAreReadAndTheirErrorsNameTheirFile() throws Exception {
    Files.writeString(folder.resolve("more.conf"), "anabranch {\n limits { sessions = no }\n}");
    Path file = folder.resolve("a.conf");
    Files.writeString(file, "include \"more.conf\"\nanabranch { }");
    assertThatThrownBy(() -> ConfigurationFile.read(file))
        .hasMessageStartingWith(
            folder.resolve("more.conf") + ":2: anabranch.limits.sessions: found \"no\"");
  }

  @Test
  void unreadableFilesAreProblemsToo() throws IOException {
    assertThatThrownBy(() -> ConfigurationFile.read(folder.resolve("absent.conf")))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage(folder.resolve("absent.conf") + ": no such file");
    assertThatThrownBy(() -> ConfigurationFile.read(folder))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessageContaining("this is a folder");
    Files.write(folder.resolve("latin1.conf"), new byte[] {'#', (byte) 0xe9, '\n'});
    assertThatThrownBy(() -> ConfigurationFile.read(folder.resolve("latin1.conf")))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessageContaining("it is not UTF-8");
    Files.write(folder.resolve("large.conf"), new byte[(4 << 20) + 1]);
    assertThatThrownBy(() -> ConfigurationFile.read(folder.resolve("large.conf")))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessageContaining("larger than 4 MiB");
  }
}
