// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.anabranch.config.reader.ConfigurationFile;
import org.anabranch.initiator.Disk;
import org.anabranch.initiator.Initiator;
import org.anabranch.initiator.SessionOptions;
import org.anabranch.server.serve.Server;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server whose volume {@code vm1}, LUN 0, is behind another program; {@code vm2}, LUN 1, is a
 * file of 1 MiB beside it.
 */
@Timeout(180)
abstract class RemoteVolumeTest {
  static final String TARGET = "iqn.2026-11.org.example:t";

  @TempDir Path folder;
  Site site;
  final Initiator initiator = new Initiator();
  private @Nullable Server server;

  @BeforeEach
  @SuppressWarnings("NullAway.Init") // the site
  final void setUp() {
    site = new Site(folder);
  }

  @AfterEach
  void close() throws Exception {
    stop();
    initiator.close();
  }

  final void stop() {
    if (server != null) {
      server.close();
      server = null;
    }
  }

  /**
   * Serves.
   *
   * @param before what stands before the volumes in the configuration
   * @param vm1 the keys of the volume
   */
  final void serve(String before, String vm1) throws Exception {
    site.configure(
        before
            + "\nvolumes { vm1 { "
            + vm1
            + " }, vm2 { path = vm2.img, size = 1 MiB } }\ntargets { \""
            + TARGET
            + "\" { luns { 0 = vm1, 1 = vm2 } } }\n");
    server =
        Server.start(
            ConfigurationFile.read(site.configuration),
            () -> ConfigurationFile.read(site.configuration));
  }

  final Disk disk(int lun) throws Exception {
    return Site.Host.logIn(
            initiator,
            Objects.requireNonNull(server).portals().getFirst(),
            SessionOptions.normal(TARGET))
        .disk(lun);
  }

  static ByteBuffer blocks(int count, int value) {
    byte[] bytes = new byte[count * 512];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  static void write(Disk disk, long lba, int count, int value) throws Exception {
    Initiator.await(disk.write(lba, blocks(count, value)), 60);
  }

  static void reads(Disk disk, long lba, int count, int value) throws Exception {
    assertThat(Initiator.await(disk.read(lba, count), 60).rewind()).isEqualTo(blocks(count, value));
  }

  final String warnings() throws Exception {
    return String.valueOf(site.ask("status", Map.of()).get("warnings"));
  }
}
