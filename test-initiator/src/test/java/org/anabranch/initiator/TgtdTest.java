// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our initiator against a target that nobody here wrote. */
final class TgtdTest {
  private static final long LUN = Command.flatLun(1);

  @TempDir static Path directory;
  private static Tgtd tgtd;
  private static Initiator initiator;

  @BeforeAll
  static void start() throws Exception {
    tgtd = Tgtd.start(directory, 64L << 20);
    initiator = new Initiator();
  }

  @AfterAll
  static void stop() throws Exception {
    if (tgtd != null) {
      initiator.close();
      tgtd.close();
    }
  }

  private static Session login(SessionOptions options) throws Exception {
    return Initiator.await(initiator.login(tgtd.portal(), options), 10);
  }

  @Test
  void discoversWritesAndReads() throws Exception {
    assertThat(Initiator.await(initiator.discover(tgtd.portal()), 10))
        .extracting(DiscoveredTarget::name)
        .containsExactly(Tgtd.TARGET);
    Session session = login(SessionOptions.normal(Tgtd.TARGET));
    byte[] data = new byte[8192];
    new java.util.Random(1).nextBytes(data);
    // The first command of a new nexus may owe a unit attention.
    Initiator.await(session.command(LUN, new byte[6], null, 0), 10);
    byte[] write = {0x2a, 0, 0, 0, 0, 8, 0, 0, 16, 0};
    Response written = Initiator.await(session.command(LUN, write, ByteBuffer.wrap(data), 0), 10);
    assertThat(written.describe()).isEqualTo("GOOD");
    byte[] read = {0x28, 0, 0, 0, 0, 8, 0, 0, 16, 0};
    Response got = Initiator.await(session.command(LUN, read, null, 8192), 10);
    assertThat(got.orThrow().bytes()).isEqualTo(data);
    assertThat(Initiator.await(session.logout(), 10)).isZero();
    assertThat(session.connection().awaitClosed(java.time.Duration.ofSeconds(5))).isTrue();
  }
}
