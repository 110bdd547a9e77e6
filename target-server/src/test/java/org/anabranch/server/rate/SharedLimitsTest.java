// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.rate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.anabranch.config.VolumeLimits;
import org.anabranch.scsi.StepScheduler;
import org.anabranch.server.storage.shared.FakeSharedImage;
import org.anabranch.server.storage.shared.SharedImage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The limits of a volume that two servers can serve. */
final class SharedLimitsTest {
  private final FakeSharedImage image = new FakeSharedImage("a");
  private final VolumeRates ratesOfA = new VolumeRates(new StepScheduler());
  private final VolumeRates ratesOfB = new VolumeRates(new StepScheduler());
  private final SharedLimits a = new SharedLimits(volume -> image.at("a"), ratesOfA);
  private final SharedLimits b = new SharedLimits(volume -> image.at("b"), ratesOfB);

  private static VolumeLimits of100(VolumeLimits before) {
    return new VolumeLimits(100, 0, 0, 0, 0, 0, before.burst());
  }

  @Test
  void theyGoWithTheVolume() throws Exception {
    assertThat(a.limit("vm1", false, SharedLimitsTest::of100).limits().iops()).isEqualTo(100);
    assertThat(ratesOfA.inForce("vm1").configured()).isFalse();
    b.arrive("vm1");
    assertThat(ratesOfB.inForce("vm1").limits().iops()).as("of a standby").isZero();
    assertThatThrownBy(() -> b.limit("vm1", false, SharedLimitsTest::of100))
        .hasMessageContaining("volume vm1: another server has it");
    image.owner = "b";
    b.arrive("vm1");
    assertThat(ratesOfB.inForce("vm1").limits().iops()).isEqualTo(100);
    assertThat(b.limit("vm1", true, before -> before).limits()).isEqualTo(VolumeLimits.NONE);
    image.owner = "a";
    a.arrive("vm1");
    assertThat(ratesOfA.inForce("vm1")).isEqualTo(new VolumeRates.InForce(VolumeLimits.NONE, true));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rubbish | damaged",
        "{\"version\":2,\"limits\":{}} | a newer version of the server wrote them",
        "{\"version\":1,\"limits\":{}} | other keys",
        "{\"limits\":{}} | damaged",
        "{\"version\":1,\"limits\":{\"iops\":-1,\"read-iops\":0,\"write-iops\":0,"
            + "\"bytes-per-second\":0,\"read-bytes-per-second\":0,\"write-bytes-per-second\":0,"
            + "\"burst-millis\":1000}} | iops is -1"
      })
  void whatCannotBeReadIsNoLimitAndIsNamed(String text, String reason) throws Exception {
    image.labels.put(SharedImage.LIMITS, text);
    a.arrive("vm1");
    assertThat(ratesOfA.inForce("vm1").limits()).isEqualTo(VolumeLimits.NONE);
    assertThat(image.labels).containsEntry(SharedImage.LIMITS, text);
    assertThat(a.warnings()).hasSize(1);
    assertThat(a.warnings().getFirst().toString())
        .startsWith("volume vm1: the limits that its image carries cannot be read")
        .contains(reason)
        .endsWith("give them up: forget anabranch.limits");
    image.owner = "b";
    assertThat(a.warnings()).isEmpty();
    image.owner = "a";
    assertThat(a.limit("vm1", false, SharedLimitsTest::of100).limits().iops()).isEqualTo(100);
    assertThat(a.warnings()).isEmpty();
  }

  @Test
  void whatCannotBeWrittenIsNotInForce() {
    image.isSilent = true;
    assertThatThrownBy(() -> a.limit("vm1", false, SharedLimitsTest::of100))
        .hasMessage("volume vm1: the storage does not answer");
    assertThat(ratesOfA.inForce("vm1").limits()).isEqualTo(VolumeLimits.NONE);
  }
}
