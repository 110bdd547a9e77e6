// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.reader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.anabranch.config.ChapConfig;
import org.anabranch.config.Configuration;
import org.anabranch.config.InvalidConfigurationException;
import org.anabranch.config.Secret;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code secret-file}, and who can read files with secrets in them. */
final class SecretFileTest {
  private static final String SECRET = "0123456789abcdef";

  @TempDir private Path folder;

  private Path file(String name, String text, String mode) throws IOException {
    Path file = folder.resolve(name);
    Files.deleteIfExists(file);
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    return file;
  }

  private Path configuration(String chap) throws IOException {
    return file("a.conf", Texts.withTarget("\"127.0.0.1\"", "chap { " + chap + " }"), "rw-r--r--");
  }

  private Configuration read(String chap) throws Exception {
    return ConfigurationFile.read(configuration(chap));
  }

  private String refusal(String chap) throws IOException {
    Path file = configuration(chap);
    try {
      ConfigurationFile.read(file);
    } catch (InvalidConfigurationException e) {
      return String.valueOf(e.getMessage());
    }
    throw new AssertionError("not refused");
  }

  private static ChapConfig user(Configuration configuration) {
    return configuration.targets().firstEntry().getValue().chap().getFirst();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n", "\r\n"})
  void theSecretOfAFileIsItsLineWithoutItsEnd(String end) throws Exception {
    file("vm1.secret", SECRET + end, "rw-------");
    file("target.secret", "fedcba9876543210" + end, "rw-------");
    Configuration configuration =
        read(
            "user = u, secret-file = vm1.secret, mutual { user = t, secret-file = \""
                + folder.resolve("target.secret")
                + "\" }");
    assertThat(user(configuration).secret()).isEqualTo(new Secret(SECRET));
    ChapConfig.Mutual mutual = user(configuration).mutual();
    assertThat(mutual == null ? null : mutual.secret()).isEqualTo(new Secret("fedcba9876543210"));
    assertThat(configuration.warnings()).isEmpty();
  }

  @Test
  void aBlankAtTheEndBelongsToTheSecret() throws Exception {
    file("vm1.secret", SECRET + " \n", "rw-------");
    assertThat(user(read("user = u, secret-file = vm1.secret")).secret())
        .isEqualTo(new Secret(SECRET + " "));
  }

  @Test
  void discoveryTakesOneToo() throws Exception {
    file("find.secret", SECRET, "rw-------");
    Path file =
        file(
            "d.conf",
            "anabranch { discovery { chap { user = f, secret-file = find.secret } } }",
            "rw-r--r--");
    assertThat(ConfigurationFile.read(file).discovery().chap().getFirst().secret())
        .isEqualTo(new Secret(SECRET));
  }

  @Test
  void aFileThatHoldsNoSecretIsRefused() throws Exception {
    String key = "user = u, secret-file = x";
    assertThat(refusal(key)).contains("chap.secret-file: ", "/x: no such file");
    Files.createDirectory(folder.resolve("x"));
    assertThat(refusal(key)).contains("/x is no regular file");
    Files.delete(folder.resolve("x"));
    file("x", "hunter2 abc\n", "rw-------");
    assertThat(refusal(key))
        .contains("/x has a secret of 11 bytes; allowed: 12 to 255 bytes")
        .doesNotContain("hunter2");
    file("x", "hunter2 ".repeat(40), "rw-------");
    assertThat(refusal(key)).contains("/x has a secret of more than 255 bytes");
    file("x", SECRET + "\n" + SECRET + "\n", "rw-------");
    assertThat(refusal(key)).contains("/x has more than one line").doesNotContain(SECRET);
    Files.write(folder.resolve("x"), new byte[] {-1, -2, -3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
    assertThat(refusal(key)).contains("/x: it is not UTF-8");
  }

  @Test
  void onlyOneOfTheTwoKeys() throws Exception {
    file("x", SECRET, "rw-------");
    assertThat(refusal("user = u, secret-file = x, secret = " + SECRET))
        .contains("secret-file: given beside secret; allowed: one of the two");
    assertThat(refusal("user = u")).contains("chap.secret: missing", "or secret-file");
    assertThat(
            refusal("user = u, secret-file = x, mutual { user = t, secret = \"" + SECRET + "\" }"))
        .contains("the same secret in both directions");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          rw-r--r-- | every user of this machine can read it: chmod o-r
          r-----r-- | every user of this machine can read it: chmod o-r
          rw-r----- | can read it: chmod g-r
          """)
  void aSecretFileThatOthersCanRead(String mode, String words) throws Exception {
    Path secret = file("vm1.secret", SECRET, mode);
    assertThat(read("user = u, secret-file = vm1.secret").warnings().toString())
        .contains("a.conf:", "chap.secret-file: " + secret + " has a CHAP secret, and ", words);
  }

  /** As for the file itself: also in one that HOCON includes without a pattern. */
  @ParameterizedTest
  @ValueSource(strings = {"\"a.conf\"", "file(\"a.conf\")", "required(\"a.conf\")", "\"a*.conf\""})
  void aConfigurationThatIsIncludedInWhateverWay(String what) throws Exception {
    Path included = configuration("user = u, secret = \"" + SECRET + "\"");
    String words = what.replace("file(\"", "file(\"" + folder + "/");
    Path main = file("main.conf", "include " + words + "\n", "rw-------");
    assertThat(ConfigurationFile.read(main).warnings().toString())
        .contains(included + ": it has CHAP secrets, and every user of this machine can read it");
    Files.setPosixFilePermissions(included, PosixFilePermissions.fromString("rw-------"));
    assertThat(ConfigurationFile.read(main).warnings()).isEmpty();
  }

  @Test
  void aCommentIsNoSecret() throws Exception {
    Path file =
        file(
            "c.conf",
            "# chap { user = u, secret = \""
                + SECRET
                + "\" }\n"
                + Texts.withTarget("\"127.0.0.1\"", ""),
            "rw-r--r--");
    assertThat(ConfigurationFile.read(file).warnings()).isEmpty();
  }

  @Test
  void theNameOfAGroup() {
    assertThatThrownBy(() -> Texts.parse("anabranch { control-group = \"a b\" }"))
        .hasMessageContaining("control-group: found \"a b\"; allowed: the name of a group");
  }
}
