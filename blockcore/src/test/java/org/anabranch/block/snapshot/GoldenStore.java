// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * A store that a Linux kernel wrote, in one of its states: those in the tree, or those in the
 * folder that {@code -Danabranch.golden} names, in the same form or compressed by xz.
 *
 * @param name what was done is in {@code NAME.txt}
 * @param state {@code before} a merge, {@code mid1} and so on where it was cut off, or {@code
 *     after}
 */
record GoldenStore(Path folder, String name, String state) {
  private static final Pattern IMAGE =
      Pattern.compile("([^.]+)\\.([^.]+)\\.(origin|cow)\\.img\\.(gz|xz)");

  /** All that there are, sorted. */
  static List<GoldenStore> all() throws IOException {
    Path folder = chosen();
    List<GoldenStore> all;
    try (Stream<Path> files = Files.list(folder)) {
      all =
          files
              .map(file -> IMAGE.matcher(file.getFileName().toString()))
              .filter(image -> image.matches() && image.group(3).equals("cow"))
              .map(image -> new GoldenStore(folder, image.group(1), image.group(2)))
              .sorted(Comparator.comparing(GoldenStore::toString))
              .toList();
    }
    if (all.isEmpty()) {
      throw new IOException(folder + " has no NAME.STATE.cow.img.xz or .gz");
    }
    return all;
  }

  private static Path chosen() throws IOException {
    String told = System.getProperty("anabranch.golden");
    try {
      return told != null
          ? Path.of(told)
          : Path.of(Objects.requireNonNull(GoldenStore.class.getResource("/golden")).toURI());
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }

  /** The same store in another state. */
  GoldenStore in(String otherState) {
    return new GoldenStore(folder, name, otherState);
  }

  /** Whether the images of this state are there. */
  boolean exists() {
    return Files.exists(file("cow", "gz")) || Files.exists(file("cow", "xz"));
  }

  byte[] origin() throws IOException {
    return image("origin");
  }

  byte[] cow() throws IOException {
    return image("cow");
  }

  /** Whether the store says that it is. */
  boolean valid() throws IOException {
    return cow()[4] != 0;
  }

  private Path file(String device, String form) {
    return folder.resolve(this + "." + device + ".img." + form);
  }

  private byte[] image(String device) throws IOException {
    Path file = file(device, "gz");
    if (Files.exists(file)) {
      try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
        return in.readAllBytes();
      }
    }
    Process xz = new ProcessBuilder("xz", "-dc", file(device, "xz").toString()).start();
    try (InputStream in = xz.getInputStream()) {
      byte[] bytes = in.readAllBytes();
      if (xz.waitFor() != 0) {
        throw new IOException(new String(xz.getErrorStream().readAllBytes(), UTF_8).strip());
      }
      return bytes;
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** What was done, and what everything must read as. */
  String text() throws IOException {
    return Files.readString(folder.resolve(name + ".txt"));
  }

  /** What Linux printed of this state, and what must be read. */
  Facts facts() throws IOException {
    return Facts.of(this);
  }

  /**
   * What Linux printed.
   *
   * @param view digest of what the snapshot reads as
   */
  record Facts(String view, String status, String table) {
    private static Facts of(GoldenStore store) throws IOException {
      String text = store.text();
      String part = text.substring(text.indexOf("--- " + store + ".*"));
      return new Facts(
          found("view   sha256 (\\w+)", part).group(1),
          found("after a reload, status would be: (.*)", part).group(1),
          table(found("table '(0 \\d+ snapshot) /dev/vda /dev/vdb (.*)'", text)));
    }

    private static String table(Matcher line) {
      return line.group(1) + " origin cow " + line.group(2);
    }

    private static Matcher found(String pattern, String text) {
      Matcher matcher = Pattern.compile(pattern).matcher(text);
      if (!matcher.find()) {
        throw new IllegalArgumentException("no " + pattern + " in " + text);
      }
      return matcher;
    }

    /** What a status line has in front: start, length and type. */
    String head() {
      return table.substring(0, table.indexOf(" origin"));
    }
  }

  @Override
  public String toString() {
    return name + "." + state;
  }
}
