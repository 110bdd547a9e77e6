// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.workload;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.Session;
import org.anabranch.initiator.SessionOptions;

/**
 * Reads and writes random blocks of 4 KiB of LUN 0 for one second, 70 % reads, 32 in flight. The
 * launcher runs it once against a new build to train the JVM's cache for later starts. Destroys the
 * content of the LUN.
 *
 * <pre>
 *   MixedLoad HOST PORT TARGET
 * </pre>
 */
public final class MixedLoad {
  private static final long PATIENCE_SECONDS = 30;

  private MixedLoad() {}

  /** Runs the program; see the class. */
  public static void main(String[] args) throws IOException, InterruptedException {
    LoadGenerator.Load load =
        new LoadGenerator.Load(
            4096, 32, 70, true, Long.MAX_VALUE, Duration.ZERO, Duration.ofSeconds(1), 1);
    try (Initiator initiator = new Initiator()) {
      Session session =
          Initiator.await(
              initiator.login(
                  new InetSocketAddress(args[0], Integer.parseInt(args[1])),
                  SessionOptions.normal(args[2])),
              PATIENCE_SECONDS);
      Disk disk = Initiator.await(Disk.open(session, 0), PATIENCE_SECONDS);
      Initiator.await(LoadGenerator.run(disk, load), PATIENCE_SECONDS);
      Initiator.await(session.logout(), PATIENCE_SECONDS);
    }
  }
}
