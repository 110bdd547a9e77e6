// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.ResizableDevice;
import org.anabranch.block.testing.TestCeph;
import org.anabranch.config.VolumeConfig;
import org.anabranch.config.source.FileSource;
import org.anabranch.config.source.RbdSource;
import org.anabranch.server.state.DiskNames;
import org.anabranch.server.storage.VolumeImage.Capability;
import org.anabranch.server.storage.file.FileBackend;
import org.anabranch.server.storage.rbd.RbdBackend;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every backend must do. A new one is one more line of {@link Kind}. */
final class VolumeBackendTest {
  private static final int BYTES = 64 << 10;

  @TempDir Path folder;

  enum Kind {
    FILE {
      @Override
      VolumeBackend backend() {
        return new FileBackend();
      }
    },
    MEMORY {
      @Override
      VolumeBackend backend() {
        return new MemoryBackend();
      }
    },
    RBD {
      @Override
      VolumeBackend backend() {
        return new RbdBackend();
      }
    };

    abstract VolumeBackend backend();

    VolumeConfig volume(Path folder, String name) throws Exception {
      if (this == RBD) {
        String image = name + "-" + folder.getFileName();
        RbdSource source = new RbdSource(ceph().conf().toString(), "admin", "rbd", "", image);
        return new VolumeConfig(name, source, 0, 512, 4096, false, false);
      }
      Path path = this == FILE ? folder.resolve(name) : Path.of("/memory", name);
      return new VolumeConfig(name, new FileSource(path), 0, 512, 4096, false, false);
    }
  }

  /** Started by the first test that needs it. */
  private static @Nullable TestCeph ceph;

  private static TestCeph ceph() throws Exception {
    if (ceph == null) {
      ceph = TestCeph.require(false);
    }
    return ceph;
  }

  @AfterAll
  static void down() throws Exception {
    if (ceph != null) {
      ceph.close();
    }
  }

  private static ByteBuffer run(BackingDevice device, Io.Op op, byte[] content) {
    ByteBuffer data = ByteBuffer.allocateDirect(content.length).put(content).flip();
    CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    IoCompletion completion =
        (each, error) -> {
          if (error == null) {
            done.complete(null);
          } else {
            done.completeExceptionally(error.toException());
          }
        };
    Io io = op == Io.Op.READ ? Io.read(0, data, completion) : Io.write(0, data, false, completion);
    device.submit(io);
    done.join();
    return data;
  }

  @ParameterizedTest
  @EnumSource
  void anAbsentImageIsMadeExtendedAndDeleted(Kind kind) throws Exception {
    VolumeBackend backend = kind.backend();
    VolumeConfig volume = kind.volume(folder, "a");
    String address = volume.source().address();
    VolumeImage image = backend.image(volume);
    assertThat(backend.keeps(volume.source()) && backend.owns(address)).isTrue();
    assertThat(image.exists() || backend.exists(address)).isFalse();
    assertThat(image.facts()).isNull();
    assertThatThrownBy(image::bytes).isInstanceOf(IOException.class).hasMessageContaining(address);
    assertThatThrownBy(() -> backend.identity(address)).isInstanceOf(IOException.class);
    VolumeImage.Cost cost = image.cost(BYTES);
    assertThat(cost.now()).isBetween(0L, cost.later());
    assertThat(cost.later()).isEqualTo(BYTES);
    Object place = backend.place(address);
    image.make(BYTES);
    assertThat(image.exists() && backend.exists(address)).isTrue();
    assertThat(image.bytes()).isEqualTo(BYTES);
    assertThat(backend.place(address)).isEqualTo(place);
    if (image.capabilities().contains(Capability.EXTENDS)) {
      image.extend(2 * BYTES);
      assertThat(image.bytes()).isEqualTo(2 * BYTES);
    }
    image.delete();
    image.delete();
    assertThat(image.exists()).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void whatIsWrittenIsThereAndALongerOneReadsZerosBehind(Kind kind) throws Exception {
    VolumeBackend backend = kind.backend();
    VolumeConfig volume = kind.volume(folder, "a");
    VolumeImage image = backend.image(volume);
    image.make(BYTES);
    byte[] content = new byte[BYTES];
    content[7] = 1;
    BackingDevice device = image.open("a");
    assertThat(device.identity()).isEqualTo(backend.identity(volume.source().address()));
    run(device, Io.Op.WRITE, content);
    if (image.capabilities().contains(Capability.GROWS_IN_USE)) {
      ((ResizableDevice) device).resize(2 * BYTES / 512).toCompletableFuture().join();
      assertThat(device.sectors()).isEqualTo(2 * BYTES / 512);
      byte[] longer = new byte[2 * BYTES];
      longer[7] = 1;
      assertThat(run(device, Io.Op.READ, new byte[2 * BYTES])).isEqualTo(ByteBuffer.wrap(longer));
    }
    device.close().toCompletableFuture().join();
    BackingDevice again = image.open("a");
    assertThat(run(again, Io.Op.READ, new byte[BYTES])).isEqualTo(ByteBuffer.wrap(content));
    again.close().toCompletableFuture().join();
  }

  @ParameterizedTest
  @EnumSource
  void aPreviewReadsAndChangesNothing(Kind kind) throws Exception {
    VolumeBackend backend = kind.backend();
    VolumeConfig volume = kind.volume(folder, "a");
    String address = volume.source().address();
    assertThatThrownBy(() -> backend.preview(address, VolumeBackend.AS_IT_IS))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(address);
    byte[] content = new byte[BYTES];
    assertThat(run(backend.preview(address, BYTES / 512), Io.Op.READ, new byte[BYTES]))
        .isEqualTo(ByteBuffer.wrap(content));
    VolumeImage image = backend.image(volume);
    image.make(BYTES);
    content[7] = 1;
    BackingDevice device = image.open("a");
    run(device, Io.Op.WRITE, content);
    BackingDevice preview = backend.preview(address, VolumeBackend.AS_IT_IS);
    assertThat(preview.sectors()).isEqualTo(BYTES / 512);
    run(preview, Io.Op.WRITE, new byte[512]);
    assertThat(run(device, Io.Op.READ, new byte[BYTES])).isEqualTo(ByteBuffer.wrap(content));
    device.close().toCompletableFuture().join();
  }

  @ParameterizedTest
  @EnumSource
  void anImageIsKnownAgainAndCarriesWhatItIsGiven(Kind kind) throws Exception {
    VolumeBackend backend = kind.backend();
    VolumeImage a = backend.image(kind.volume(folder, "a"));
    VolumeImage b = backend.image(kind.volume(folder, "b"));
    a.make(BYTES);
    b.make(BYTES);
    ImageFacts facts = Objects.requireNonNull(a.facts());
    assertThat(facts.id()).isNotEmpty().isEqualTo(Objects.requireNonNull(a.facts()).id());
    assertThat(facts.id()).isNotEqualTo(Objects.requireNonNull(b.facts()).id());
    assumeTrue(facts.markable(), "no extended attributes here");
    assertThat(facts.mark()).isNull();
    assertThat(a.names()).isNull();
    UUID uuid = UUID.randomUUID();
    DiskNames names = new DiskNames("0123456789ab", "3123456789abcdef");
    assertThat(a.carry(names)).isTrue();
    assertThat(a.mark(uuid)).isTrue();
    assertThat(a.names()).isEqualTo(names);
    assertThat(Objects.requireNonNull(a.facts()).mark()).isEqualTo(uuid);
    assertThat(b.names()).isNull();
  }
}
