// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Random;
import java.util.UUID;
import java.util.regex.Pattern;
import org.anabranch.config.VolumeLimits;
import org.anabranch.server.base.RefusedException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The state file: what is written comes back, and damage is refused. */
final class StateFileTest {
  private static final SnapshotState SNAPSHOT =
      new SnapshotState(
          "vm1",
          "before.upgrade",
          "/srv/vm1.img",
          "/var/lib/anabranch/cow/vm1@before.upgrade.cow",
          41943040,
          8,
          true,
          Instant.parse("2026-11-22T19:00:00Z"),
          SnapshotState.Phase.READY,
          false,
          0,
          0,
          "",
          "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
          null,
          new ScheduledBy("hourly", 7, Instant.parse("2026-11-22T19:00:00Z")));

  @TempDir Path folder;
  private Path path;

  @BeforeEach
  void name() {
    path = folder.resolve("state.json");
  }

  @Test
  void anAbsentFileIsAnEmptyState() throws Exception {
    assertThat(new StateFile(path).state()).isEqualTo(RuntimeState.EMPTY);
    assertThat(path).doesNotExist();
  }

  @Test
  void whatIsWrittenComesBack() throws Exception {
    RuntimeState state = RuntimeState.EMPTY;
    for (SnapshotState.Phase phase : SnapshotState.Phase.values()) {
      SnapshotState snapshot =
          new SnapshotState(
              "vm1",
              "s-" + phase,
              phase == SnapshotState.Phase.READY ? null : "/srv/vm1.img",
              "/a \"b\"\n/c",
              7,
              8,
              false,
              Instant.EPOCH,
              phase,
              true,
              7,
              phase.name().length(),
              phase == SnapshotState.Phase.READY ? "of \"x\"" : "",
              UUID.nameUUIDFromBytes(phase.name().getBytes(StandardCharsets.UTF_8)).toString(),
              phase == SnapshotState.Phase.MERGING ? "/second store" : null,
              null);
      state = state.with(snapshot);
    }
    state = state.with(SNAPSHOT).withDevice("raw0", "0 8 zero \n8 8 linear /x\\ y 0");
    new StateFile(path).replace(state);
    assertThat(new StateFile(path).state()).isEqualTo(state);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
        .isEqualTo("rw-------");
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("state.json", "state.json.new");
  }

  @Test
  void changesAreMadeOnCopies() {
    RuntimeState one = RuntimeState.EMPTY.with(SNAPSHOT).withDevice("d", "0 1 zero");
    assertThat(RuntimeState.EMPTY.snapshots()).isEmpty();
    assertThat(one.snapshot("vm1@before.upgrade")).isEqualTo(SNAPSHOT);
    assertThat(one.withoutSnapshot("vm1@before.upgrade").withoutDevice("d"))
        .isEqualTo(RuntimeState.EMPTY);
    assertThat(SNAPSHOT.in(SnapshotState.Phase.MERGING).withPaused(true).paused()).isTrue();
  }

  @Test
  void aDraftThatACrashLeftBehindIsIgnored() throws Exception {
    new StateFile(path).replace(RuntimeState.EMPTY.with(SNAPSHOT));
    Files.writeString(folder.resolve("state.json.new"), "{ half a");
    StateFile file = new StateFile(path);
    assertThat(file.state().snapshots()).hasSize(1);
    file.replace(RuntimeState.EMPTY);
    assertThat(file.state()).isEqualTo(RuntimeState.EMPTY);
    assertThat(new StateFile(path).state()).isEqualTo(RuntimeState.EMPTY);
  }

  @Test
  void roomIsKeptForTheNextText() throws Exception {
    StateFile file = new StateFile(path);
    Path draft = folder.resolve("state.json.new");
    assertThat(draft).content().hasSize(4096).containsOnlyOnce("\0".repeat(4096));
    file.replace(RuntimeState.EMPTY.with(SNAPSHOT));
    assertThat(Files.size(draft)).isGreaterThan(4096 + Files.size(path) - 1).isLessThan(3 * 4096);
    file.replace(RuntimeState.EMPTY); // shorter than the room
    assertThat(new StateFile(path).state()).isEqualTo(RuntimeState.EMPTY);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"version\" : 3 | \"version\" : 0 | it has version 0",
        "\"version\" : 3 | \"version\" : 3, \"x\" : 1 | unknown key \"x\"",
        "\"phase\" : \"ready\" | \"phase\" : \"reddy\" | REDDY",
        "\"chunk-sectors\" : 8 | \"chunk-sectors\" : 9 | chunk-sectors is 9",
        "\"read-only\" : true | \"read-only\" : true, \"more\" : 1 | snapshot vm1@before.upgrade: unknown key \"more\"",
        "vm1@before.upgrade\" : | vm1\" : | \"vm1\" is no volume@snapshot",
        "2026-11-22T19 | 2026-11-32T19 | could not be parsed",
        "\"devices\" | \"divices\" | unknown key \"divices\"",
      })
  void damageIsRefusedAndLeftAlone(String good, String bad, String reason) throws Exception {
    new StateFile(path).replace(RuntimeState.EMPTY.with(SNAPSHOT));
    String damaged = Files.readString(path).replace(good, bad);
    Files.writeString(path, damaged);
    assertThatThrownBy(() -> new StateFile(path))
        .isInstanceOf(RefusedException.class)
        .hasMessageStartingWith(path + " is damaged and was left as it is: ")
        .hasMessageContaining(reason);
    assertThat(path).hasContent(damaged);
  }

  private static final VolumeState VOLUME =
      new VolumeState(
          "db",
          Path.of("/srv/db.img"),
          new VolumeDisk(512, 4096, true, true),
          new VolumeLimits(
              1, 2, 3, 4096, VolumeLimits.MOST_BYTES, 8192, VolumeLimits.LONGEST_BURST),
          null,
          Instant.EPOCH,
          VolumeState.Phase.READY,
          "");

  @Test
  void limitsOfVolumesComeBack() throws Exception {
    RuntimeState state =
        RuntimeState.EMPTY
            .with(VOLUME)
            .with(VOLUME.named("none").limited(VolumeLimits.NONE))
            .with(VOLUME.named("defaults").limited(null));
    new StateFile(path).replace(state);
    assertThat(new StateFile(path).state()).isEqualTo(state);
    assertThat(state.made().limits()).containsOnlyKeys("db", "none");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"read-iops\" : 2 | \"read-iops\" : -2 | volume db: read-iops is -2",
        "\"bytes-per-second\" : 4096 | \"bytes-per-second\" : 4095 | bytes-per-second is 4095",
        "\"burst-millis\" : 3600000 | \"burst-millis\" : 3600001 | burst-millis is 3600001",
        "\"read-iops\" : 2 | \"read-iops\" : 2, \"x\" : 1 | volume db, limits: unknown key \"x\"",
        "\"read-iops\" : 2, | `` | read-iops",
      })
  void damagedLimitsAreRefused(String good, String bad, String reason) throws Exception {
    new StateFile(path).replace(RuntimeState.EMPTY.with(VOLUME));
    String damaged = Files.readString(path).replaceFirst(Pattern.quote(good), bad);
    assertThat(damaged).isNotEqualTo(Files.readString(path));
    Files.writeString(path, damaged);
    assertThatThrownBy(() -> new StateFile(path))
        .hasMessageContaining("is damaged and was left as it is: ")
        .hasMessageContaining(reason);
  }

  @Test
  void aNewerVersionIsNotCalledDamaged() throws Exception {
    new StateFile(path).replace(RuntimeState.EMPTY.with(SNAPSHOT));
    String newer = Files.readString(path).replace("\"version\" : 3", "\"version\" : 4");
    Files.writeString(path, newer);
    assertThatThrownBy(() -> new StateFile(path))
        .isInstanceOf(RefusedException.class)
        .hasMessage(
            path
                + " was written by a newer version of the server: it has version 4, this one reads"
                + " up to 3; install that version, or restore the state directory from a backup that"
                + " this version made");
    assertThat(path).hasContent(newer);
  }

  @Test
  void whatTheFirstVersionWroteIsReadAndWrittenAsTheThird() throws Exception {
    Files.writeString(
        path,
        """
        {
          "devices" : { "raw0" : "0 2048 zero" },
          "snapshots" : {
            "vm1@before.upgrade" : {
              "chunk-sectors" : 8, "created" : "2026-11-22T19:00:00Z", "paused" : false,
              "phase" : "ready", "read-only" : true, "sectors" : 41943040,
              "store" : "/var/lib/anabranch/cow/vm1@before.upgrade.cow"
            }
          },
          "version" : 1
        }
        """);
    StateFile file = new StateFile(path);
    SnapshotState found = file.state().snapshot("vm1@before.upgrade");
    assertThat(found).isNotNull();
    assertThat(found.origin()).isNull();
    assertThat(found.turn()).isZero();
    assertThat(found.store()).isEqualTo(SNAPSHOT.store());
    String point = found.pointId(); // which streams may have been made of
    assertThat(found.point()).isEqualTo(point);
    file.replace(file.state());
    assertThat(path).content().contains("\"version\" : 3", point);
    assertThat(new StateFile(path).state()).isEqualTo(file.state());
  }

  @Test
  void mergesHaveTurns() {
    RuntimeState one = RuntimeState.EMPTY.with(SNAPSHOT.in(SnapshotState.Phase.WAITING, 7));
    assertThat(RuntimeState.EMPTY.nextTurn()).isEqualTo(1);
    assertThat(one.nextTurn()).isEqualTo(8);
    assertThat(one.with(SNAPSHOT.in(SnapshotState.Phase.MERGING)).nextTurn()).isEqualTo(1);
  }

  /** Whatever was cut off or changed: either a state or a refusal. */
  @Test
  void randomDamageNeverDoesWorse() throws Exception {
    new StateFile(path).replace(RuntimeState.EMPTY.with(SNAPSHOT).withDevice("d", "0 1 zero"));
    String good = Files.readString(path);
    int refused = 0;
    for (int seed = 0; seed < 500; seed++) {
      Random random = new Random(seed);
      int at = random.nextInt(good.length());
      String bad =
          random.nextBoolean()
              ? good.substring(0, at)
              : good.substring(0, at) + (char) random.nextInt(128) + good.substring(at + 1);
      Files.writeString(path, bad);
      try {
        assertThat(new StateFile(path).state()).as("seed %d", seed).isNotNull();
      } catch (RefusedException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(250, 499);
  }
}
