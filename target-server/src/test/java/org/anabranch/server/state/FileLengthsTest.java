// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.server.snapshots.VolumeUnderTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The longest file that there can be, where a file cannot be as long as wanted. */
final class FileLengthsTest {
  private static final long MIB = 1 << 20;
  private static final long TIB = 1L << 40;
  private static final Path PATH = Path.of("store");

  @TempDir private Path folder;

  private static FileLengths.Ending limited(long most, List<Long> ends) {
    return bytes -> {
      if (bytes > most) {
        throw new IOException("File too large");
      }
      ends.add(bytes);
    };
  }

  @Test
  void takesTheLongestThatThereCanBe() throws Exception {
    for (long most : List.of(64 * MIB, 64 * MIB + 4096, 2 * TIB - 1, 16 * TIB - 4096)) {
      List<Long> ends = new ArrayList<>();
      long made = FileLengths.extend(limited(most, ends), PATH, 17 * TIB, 64 * MIB);
      assertThat(made).isLessThanOrEqualTo(most).isGreaterThan(most - 2 * MIB);
      assertThat(ends.getLast()).isEqualTo(made);
    }
    List<Long> ends = new ArrayList<>();
    assertThat(FileLengths.extend(limited(TIB, ends), PATH, TIB, TIB)).isEqualTo(TIB);
    assertThat(ends).as("nothing is tried that need not be").containsExactly(TIB);
  }

  @Test
  void refusesWithTheReasonAndTheLongest() {
    assertThatThrownBy(
            () -> FileLengths.extend(limited(TIB, new ArrayList<>()), PATH, 2 * TIB, 2 * TIB))
        .hasMessageContaining("store: no file there can have 2 TiB")
        .hasMessageContaining("--size");
    assertThatThrownBy(() ->
            FileLengths.extend(
                bytes -> {
                  throw new IOException("No space left on device");
                },
                PATH,
                TIB,
                MIB))
        .as("another failure is no limit")
        .hasMessage("No space left on device");
  }

  @Test
  void aFileOfThisFileSystem() throws Exception {
    Path file = folder.resolve("file");
    long wanted = 32 * TIB;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      long made = FileLengths.extend(channel, file, wanted, MIB);
      assertThat(Files.size(file)).isEqualTo(made);
      assumeThat(made).as("a file system whose files are limited").isLessThan(wanted);
      assertThatThrownBy(() -> FileLengths.extend(channel, file, wanted, wanted))
          .hasMessageContaining("the largest one has");
    }
  }

  @Test
  void aVolumeThatNoStoreCanBeSufficientForGetsASnapshot() throws Exception {
    long volumeBytes = 16 * TIB - 64 * MIB;
    try (VolumeUnderTest volume = new VolumeUnderTest(folder)) {
      volume.storage.resize(volume.config(), volumeBytes / 512);
      volume.snapshot("a");
      volume.write(0, 4096, 1);
      assertThat(Files.size(folder.resolve("cow/vm1@a.cow"))).isGreaterThan(64 * MIB);
      assertThat(volume.snapshots.list("vm1")).hasSize(1);
    }
  }
}
