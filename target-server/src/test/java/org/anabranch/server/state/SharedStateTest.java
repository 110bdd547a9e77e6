// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.storage.shared.FakeSharedImage;
import org.anabranch.server.storage.shared.SharedImage;
import org.anabranch.server.storage.shared.SharedImages;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The snapshots that an image carries for two servers, each of which has a name for the volume. */
final class SharedStateTest {
  @TempDir private Path folder;
  private final FakeSharedImage image = new FakeSharedImage("a");
  private StateFile a;
  private StateFile b;

  @BeforeEach
  @SuppressWarnings("NullAway.Init") // the files
  void open() throws Exception {
    a = file("a");
    b = file("b");
  }

  private StateFile file(String server) throws Exception {
    StateFile file = new StateFile(folder.resolve(server + ".json"));
    file.sharedBy(new SharedImages(volume -> image.at(server)));
    return file;
  }

  private static SnapshotState snapshot(String volume) {
    return new SnapshotState(
        volume,
        "s",
        "/image",
        "store:rbd/vm1.s.cow",
        2048,
        8,
        false,
        Instant.parse("2026-11-22T19:00:00Z"),
        SnapshotState.Phase.READY,
        false,
        0,
        0,
        "",
        "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        null,
        null);
  }

  private void write() throws RefusedException {
    a.replace(a.state().with(snapshot("vm1")));
  }

  @Test
  void theServerThatGetsTheVolumeKnowsThem() throws Exception {
    write();
    assertThat(image.labels.get(SharedImage.STATE)).contains("\"rbd/vm1.s.cow\"");
    b.refuseUnreadable("data", "/image");
    assertThat(b.state()).isEqualTo(RuntimeState.EMPTY);
    assertThatThrownBy(() -> b.learn("data", "/image")).hasMessageContaining("another server");
    image.owner = "b";
    b.learn("data", "/image");
    assertThat(b.state().snapshots()).containsExactly(Map.entry("data@s", snapshot("data")));
    assertThatThrownBy(() -> a.replace(RuntimeState.EMPTY)).hasMessageContaining("another server");
    a.forgetShared("vm1");
    assertThat(a.state()).isEqualTo(RuntimeState.EMPTY);
    b.replace(RuntimeState.EMPTY);
    assertThat(image.labels).containsEntry(SharedImage.STATE, "");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "} | rubbish | put back what it was, or give the snapshots up: forget anabranch.state",
        "\"version\" : 3 | \"version\" : 4 | a newer version of the server wrote them",
        "\"version\" : 3 | \"version\" : 0 | it has version 0",
        "\"phase\" | \"unknown\" | put back what it was",
        "\"ready\" | \"odd\" | put back what it was",
        "8 | -8 | put back what it was"
      })
  void whatCannotBeReadIsNamedAndLeftAlone(String what, String by, String reason) throws Exception {
    write();
    String damaged = image.labels.getOrDefault(SharedImage.STATE, "").replace(what, by);
    image.labels.put(SharedImage.STATE, damaged);
    image.owner = "b";
    for (int times = 0; times < 2; times++) {
      assertThatThrownBy(() -> b.learn("vm1", "/image"))
          .isInstanceOf(RefusedException.class)
          .hasMessageStartingWith("the snapshots that the image of volume vm1 carries cannot be")
          .hasMessageContaining("a write to the volume would destroy them, so it is not served")
          .hasMessageContaining(reason);
    }
    assertThatThrownBy(() -> a.refuseUnreadable("vm1", "/image")).hasMessageContaining(reason);
    assertThat(b.state()).isEqualTo(RuntimeState.EMPTY);
    assertThat(image.labels).containsEntry(SharedImage.STATE, damaged);
  }
}
