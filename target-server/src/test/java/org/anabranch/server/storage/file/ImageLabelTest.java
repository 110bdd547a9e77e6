// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.anabranch.server.state.DiskNames;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ImageLabelTest {
  private static final UUID VOLUME = UUID.fromString("0b7f6e0c-6f0e-4c3c-8d3f-2f1f6a4f2f10");
  private static final DiskNames NAMES = new DiskNames("0123456789ab", "3123456789abcdef");
  private static final ExtendedAttribute LABEL = new ExtendedAttribute("anabranch.image", 1000);
  private static final ExtendedAttribute OLD_VOLUME =
      new ExtendedAttribute("anabranch.volume", 1000);
  private static final ExtendedAttribute OLD_NAMES =
      new ExtendedAttribute("anabranch.identity", 1000);

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void makeFile() throws IOException {
    file = Files.createFile(folder.resolve("a.img"));
    try {
      LABEL.write(file, "x");
      LABEL.delete(file);
    } catch (IOException e) {
      assumeTrue(false, "no extended attributes here");
    }
  }

  @Test
  void aLabelComesBackAsItWasWritten() throws Exception {
    assertThat(ImageLabel.read(file)).isEqualTo(new ImageLabel(null, null));
    for (ImageLabel label :
        new ImageLabel[] {
          new ImageLabel(VOLUME, null), new ImageLabel(null, NAMES), new ImageLabel(VOLUME, NAMES)
        }) {
      label.write(file);
      assertThat(ImageLabel.read(file)).isEqualTo(label);
    }
    assertThat(LABEL.read(file))
        .isEqualTo(
            "volume=0b7f6e0c-6f0e-4c3c-8d3f-2f1f6a4f2f10"
                + " serial=0123456789ab naa=3123456789abcdef");
  }

  @Test
  void whatEarlierVersionsWroteIsReadAndReplaced() throws Exception {
    OLD_VOLUME.write(file, VOLUME.toString());
    OLD_NAMES.write(file, NAMES.toString());
    assertThat(ImageLabel.read(file)).isEqualTo(new ImageLabel(VOLUME, NAMES));
    UUID other = UUID.randomUUID();
    ImageLabel.read(file).withVolume(other).write(file);
    assertThat(ImageLabel.read(file)).isEqualTo(new ImageLabel(other, NAMES));
    assertThat(OLD_VOLUME.isOn(file) || OLD_NAMES.isOn(file)).isFalse();
  }

  @Test
  void whatMakesNoSenseCountsAsAbsentAndLaterWordsAreIgnored() throws Exception {
    LABEL.write(file, "volume=none serial=0123456789ab colour=red x");
    assertThat(ImageLabel.read(file)).isEqualTo(new ImageLabel(null, null));
    LABEL.write(file, "later=1 volume=" + VOLUME);
    assertThat(ImageLabel.read(file)).isEqualTo(new ImageLabel(VOLUME, null));
    LABEL.write(file, "volume=" + VOLUME + " " + "x".repeat(300));
    assertThat(ImageLabel.read(file)).as("too long").isEqualTo(new ImageLabel(null, null));
  }
}
