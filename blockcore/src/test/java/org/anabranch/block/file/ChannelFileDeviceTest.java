// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.anabranch.block.Io;
import org.anabranch.block.IoLatch;
import org.junit.jupiter.api.Test;

/** A file without native calls. */
final class ChannelFileDeviceTest extends FileDeviceContract {
  @Override
  String useNative() {
    return "false";
  }

  @Test
  void saysThatItMakesNoHoles() throws Exception {
    FileDevice device = create(64);

    assertThat(device.limits().discards()).isFalse();
    assertThat(device.limits().discardZeroes()).isFalse();
    assertThatThrownBy(() -> IoLatch.await(device, done -> Io.discard(0, 8, done)))
        .hasMessageContaining("no holes without native calls");
    Io status = IoLatch.await(device, done -> Io.blockStatus(3, 8, done));
    assertThat(status.allocated()).isTrue();
    assertThat(status.statusSectors()).isEqualTo(8);
  }
}
