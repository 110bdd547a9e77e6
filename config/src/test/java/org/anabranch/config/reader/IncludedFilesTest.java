// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code include "conf.d/*.conf"}: which files, in which order, and where errors are reported. */
final class IncludedFilesTest {
  @TempDir Path folder;

  private Path main;

  @BeforeEach
  void mainFile() throws IOException {
    main = folder.resolve("anabranch.conf");
    Files.createDirectory(folder.resolve("conf.d"));
    Files.writeString(
        main,
        """
        anabranch {
          merge-grace = 1 min
          volumes { vm1 { path = vm1.img, size = 1 MiB } }
        }
        include "conf.d/*.conf"
        """);
  }

  private Path file(String name, String... lines) throws IOException {
    return Files.writeString(folder.resolve("conf.d").resolve(name), String.join("\n", lines));
  }

  private Configuration read() throws InvalidConfigurationException {
    return ConfigurationFile.read(main);
  }

  private List<String> problems() {
    return catchThrowableOfType(InvalidConfigurationException.class, this::read).problems().stream()
        .map(Object::toString)
        .map(text -> text.replace(folder + "/", ""))
        .toList();
  }

  @Test
  void allAreReadInTheOrderOfTheirNames() throws Exception {
    file("20.conf", "anabranch { merge-grace = 2 min, limits.sessions = 20 }");
    file("10.conf", "anabranch { merge-grace = 3 min, limits.queue-depth = 10 }");
    file("30-vm2.conf", "anabranch { volumes { vm2 { path = vm2.img, size = 2 MiB } } }");
    file("40.conf.dpkg-old", "nonsense {");
    file(".50.conf", "nonsense {");
    Configuration configuration = read();
    assertThat(configuration.mergeGrace()).hasMinutes(2);
    assertThat(configuration.limits().sessions()).isEqualTo(20);
    assertThat(configuration.limits().queueDepth()).isEqualTo(10);
    assertThat(configuration.volumes()).containsOnlyKeys("vm1", "vm2");
    assertThat(Objects.requireNonNull(configuration.locations().get("vm2")).file())
        .isEqualTo(folder.resolve("conf.d/30-vm2.conf").toString());
    assertThat(configuration.baseDir()).isEqualTo(folder);
  }

  @Test
  void noFileAndNoFolderAreNoError() throws Exception {
    assertThat(read().mergeGrace()).hasMinutes(1);
    Files.delete(folder.resolve("conf.d"));
    assertThat(read().mergeGrace()).hasMinutes(1);
  }

  @Test
  void errorsAreReportedAtTheFileAndLine() throws Exception {
    file("a.conf", "anabranch {", "  limits.sessions = none", "}");
    file("b.conf", "", "anabranch.targts {}");
    assertThat(problems())
        .hasSize(2)
        .anyMatch(text -> text.startsWith("conf.d/a.conf:2: anabranch.limits.sessions: "))
        .anyMatch(text -> text.startsWith("conf.d/b.conf:2: anabranch.targts: "));
  }

  @Test
  void badHoconIsReportedThereAndNoSecretWithIt() throws Exception {
    file(
        "a.conf",
        "anabranch {",
        "  targets { \"iqn.2026-11.org.x:t\" { chap { secret = \"abcdefghijkl\" \"x } } }");
    assertThat(problems())
        .singleElement()
        .asString()
        .startsWith("conf.d/a.conf:2: ")
        .doesNotContain("abcdefghijkl");
    file("a.conf", "anabranch {", "  targets { iqn.2026-11.org.x:t { luns { 0 = vm1 } } } }");
    assertThat(problems())
        .singleElement()
        .asString()
        .startsWith("conf.d/a.conf:2: ")
        .contains("put the name in quotes: \"iqn.2026-11.org.x:t\"");
  }

  /** HOCON by itself leaves out what is 50 deep, without a word. */
  @Test
  void aLongChainIsAnError() throws Exception {
    for (int i = 0; i < 3000; i++) {
      Files.writeString(
          folder.resolve("chain" + i + ".conf"), "include \"chain" + (i + 1) + ".conf\"\n");
    }
    Files.writeString(folder.resolve("chain3000.conf"), "anabranch { merge-grace = 9 min }");
    Files.writeString(main, "include \"chain0.conf\"\n");
    assertThat(problems())
        .singleElement()
        .asString()
        .contains("include \"chain20.conf\": ", "more than 20 deep");
    for (String first : List.of("chain2981.conf", "chain3000.conf")) {
      Files.writeString(main, "include file(\"" + folder.resolve(first) + "\")\n");
      assertThat(read().mergeGrace()).hasMinutes(9);
    }
  }

  @Test
  void aFileThatIncludesItselfIsAnError() throws Exception {
    for (String include :
        List.of(
            "include \"anabranch.conf\"",
            "include \"anabranch\"",
            "include file(\"" + main + "\")",
            "include required(\"anabranch.conf\")",
            "include \"anabranch.conf\"\ninclude \"anabranch.conf\"")) {
      Files.writeString(main, "anabranch { merge-grace = 1 min }\n" + include + "\n");
      assertThat(problems()).as(include).singleElement().asString().contains("include itself");
    }
    Files.writeString(main, "include \"other.conf\"\n");
    Files.writeString(folder.resolve("other.conf"), "include \"anabranch.conf\"\n");
    assertThat(problems()).singleElement().asString().contains("include itself");
  }

  /** Each file includes the next one twice. */
  @Test
  void veryManyIncludesAreAnError() throws Exception {
    for (int i = 0; i < 18; i++) {
      String next = "include \"wide" + (i + 1) + ".conf\"\n";
      Files.writeString(folder.resolve("wide" + i + ".conf"), next + next);
    }
    Files.writeString(folder.resolve("wide18.conf"), "anabranch { merge-grace = 9 min }");
    Files.writeString(main, "include \"wide0.conf\"\n");
    assertThat(problems()).singleElement().asString().contains("more than 10000 includes");
  }

  @Test
  void whatTwoFilesOpenIsReportedWithBothPlaces() throws Exception {
    file("a.conf", "anabranch.volumes {", "  vm2 { path = a.img, size = 1 MiB }", "}");
    file("b.conf", "anabranch.volumes.vm2 { path = b.img, size = 1 MiB }");
    file("c.conf", "", "anabranch.volumes.vm1 { size = 2 MiB }");
    assertThat(problems())
        .containsExactly(
            "conf.d/b.conf:1: anabranch.volumes.vm2: given twice, the first time in conf.d/a.conf"
                + " line 2; allowed: each once; to override one key of it:"
                + " anabranch.volumes.vm2.KEY = VALUE",
            "conf.d/c.conf:2: anabranch.volumes.vm1: given twice, the first time in anabranch.conf"
                + " line 3; allowed: each once; to override one key of it:"
                + " anabranch.volumes.vm1.KEY = VALUE");
  }

  @Test
  void oneKeyMayBeOverridden() throws Exception {
    file("a.conf", "anabranch.volumes.vm1.size = 2 MiB");
    assertThat(Objects.requireNonNull(read().volumes().get("vm1")).sectors()).isEqualTo(4096);
  }

  @Test
  void aKeyTwiceInOneOfThem() throws Exception {
    file("a.conf", "anabranch.limits.sessions = 1", "anabranch.limits.sessions = 2");
    assertThat(problems())
        .containsExactly(
            "conf.d/a.conf:2: anabranch.limits.sessions: given twice, the first time in line 1;"
                + " allowed: each once");
  }

  @Test
  void whatCannotBeReadIsAnError() throws Exception {
    Files.createDirectory(folder.resolve("conf.d/a.conf"));
    Files.write(folder.resolve("conf.d/b.conf"), new byte[] {(byte) 0xff});
    Files.createSymbolicLink(folder.resolve("conf.d/c.conf"), Path.of("absent"));
    assertThat(problems())
        .hasSize(3)
        .anyMatch(text -> text.startsWith("conf.d/a.conf: this is a folder"))
        .anyMatch(text -> text.startsWith("conf.d/b.conf: it is not UTF-8"))
        .anyMatch(text -> text.equals("conf.d/c.conf: no such file"));
  }

  @Test
  void patternsThatWouldNotEndAreRefused() throws Exception {
    file("a.conf", "include \"*.conf\"");
    assertThat(problems()).anyMatch(text -> text.contains("included by a pattern itself"));
    Files.writeString(main, "anabranch {}\ninclude \"*.d/x.conf\"");
    assertThat(problems()).anyMatch(text -> text.contains("in the last name only"));
    Files.writeString(main, "anabranch {}\ninclude \"conf.d/[.conf\"");
    assertThat(problems()).isNotEmpty();
  }

  @Test
  void otherIncludesAreAsBefore() throws Exception {
    Files.writeString(folder.resolve("other.conf"), "anabranch.merge-grace = 4 min");
    Files.writeString(
        main,
        "anabranch.merge-grace = 1 min\ninclude \"other.conf\"\ninclude \"absent.conf\"\n"
            + "include file(\""
            + folder.resolve("conf.d")
            + "/*.conf\")\n");
    file("a.conf", "anabranch.limits.sessions = 5");
    assertThat(read().mergeGrace()).hasMinutes(4);
    assertThat(read().limits().sessions()).isEqualTo(5);
    Files.writeString(main, "include required(\"absent.conf\")\nanabranch {}");
    assertThat(problems()).isNotEmpty();
  }

  @Test
  void manyFilesAreRead() throws Exception {
    for (int i : IntStream.range(0, 500).toArray()) {
      file(i + ".conf", "anabranch.volumes { v" + i + " { path = v" + i + ".img, size = 1 MiB } }");
    }
    assertThat(read().volumes()).hasSize(501);
  }
}
