// SPDX-License-Identifier: Apache-2.0
package org.anabranch.fuzz;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Inputs of one fuzz test, each a file {@code NAME.hex} of hexadecimal digits and white space;
 * {@code #} begins a comment. They are in {@code src/test/resources/fuzz/<test>}.
 */
public final class Corpus {
  private static final Path ROOT = Path.of("src", "test", "resources", "fuzz");

  /** Found inputs go here, unless somebody fuzzes by hand: then straight into the corpus. */
  private static final Path FOUND = Path.of("target", "fuzz");

  private static final int DIGITS_IN_A_LINE = 96;

  private final Path root;
  private final String name;

  Corpus(String name) {
    this(ROOT, name);
  }

  /** The corpus of a test in the folder of all. */
  public Corpus(Path root, String name) {
    this.root = root;
    this.name = name;
  }

  /** All inputs by file name. */
  public SortedMap<String, byte[]> inputs() throws IOException {
    SortedMap<String, byte[]> inputs = new TreeMap<>();
    try (Stream<Path> files = Files.list(root.resolve(name))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".hex")).toList()) {
        inputs.put(String.valueOf(file.getFileName()), parse(Files.readAllLines(file)));
      }
    }
    if (inputs.isEmpty()) {
      throw new IOException("no corpus in " + root.resolve(name).toAbsolutePath());
    }
    return inputs;
  }

  private static byte[] parse(List<String> lines) {
    StringBuilder digits = new StringBuilder();
    for (String line : lines) {
      digits.append(line.replaceFirst("#.*", "").replaceAll("\\s", ""));
    }
    return HexFormat.of().parseHex(digits);
  }

  /** Writes an input that failed; the file. */
  Path keep(byte[] input, boolean byHand, Throwable failure) throws IOException {
    String digits = HexFormat.of().formatHex(input);
    String file = "found-" + digest(input) + ".hex";
    Path folder = Files.createDirectories((byHand ? root : FOUND).resolve(name));
    String what = String.valueOf(failure).lines().findFirst().orElse("");
    return Files.writeString(
        folder.resolve(file),
        "# " + what + "\n" + digits.replaceAll("(.{" + DIGITS_IN_A_LINE + "})", "$1\n") + "\n",
        StandardCharsets.UTF_8);
  }

  private static String digest(byte[] input) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(input);
      return HexFormat.of().formatHex(hash, 0, 6);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
