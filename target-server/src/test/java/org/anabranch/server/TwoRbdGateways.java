// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.anabranch.block.testing.TestCeph;
import org.anabranch.initiator.Initiator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cluster for each class, and for each test an image of it and two servers that can serve that as
 * volume vm1. No server runs at first.
 */
abstract class TwoRbdGateways {
  private static final AtomicInteger NEXT = new AtomicInteger();

  private static @Nullable TestCeph ceph;

  @TempDir private Path folder;
  final String image = "i" + NEXT.incrementAndGet();
  final Initiator initiator = new Initiator();
  RbdGateway a;
  RbdGateway b;

  @BeforeAll
  static void up() throws Exception {
    ceph = TestCeph.require(false);
  }

  @AfterAll
  static void down() throws Exception {
    TestCeph cluster = ceph;
    ceph = null;
    if (cluster != null) {
      cluster.close();
    }
  }

  static TestCeph ceph() {
    return Objects.requireNonNull(ceph);
  }

  @BeforeEach
  @SuppressWarnings("NullAway.Init") // the gateways
  void makeGateways() throws Exception {
    a = new RbdGateway(folder, "a", ceph(), image, initiator);
    b = new RbdGateway(folder, "b", ceph(), image, initiator);
  }

  @AfterEach
  void stopGateways() {
    a.stop();
    b.stop();
    initiator.close();
  }

  static void takeOver(RbdGateway gateway) throws Exception {
    gateway.site.ask("volume take-over", Map.of("volume", "vm1"));
  }

  /** A block that says which value it has, at both ends. */
  static ByteBuffer block(int value) {
    byte[] bytes = new byte[512];
    ByteBuffer.wrap(bytes).putInt(0, value).putInt(508, value);
    return ByteBuffer.wrap(bytes);
  }
}
