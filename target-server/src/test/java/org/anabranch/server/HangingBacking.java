// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.anabranch.block.testing.Await;
import org.jspecify.annotations.Nullable;

/** A place for an image whose file system can be made to hang. Needs root. One thread. */
final class HangingBacking {
  /** What hangs. */
  enum Kind {
    /** The file system is frozen, as backup agents do it. */
    FROZEN,
    /** The image is served by a program (FUSE) that was stopped: even stat(2) waits. */
    STOPPED_PROGRAM,
    /** The disk below the file system does not answer, so its journal is full soon. */
    FULL_JOURNAL
  }

  private static final long MIB = 1 << 20;

  private final Kind kind;
  private final Path folder;
  private final Path mount;
  private @Nullable Process program;
  private boolean mounted;

  HangingBacking(Kind kind, Path folder) throws Exception {
    this.kind = kind;
    this.folder = folder;
    this.mount = folder.resolve("mount");
    Tools.require("mkfs.ext4", "fsfreeze", "mount", "qemu-storage-daemon");
    Files.createDirectory(mount);
    try {
      switch (kind) {
        case FROZEN -> mount(makeFileSystem("ext4.img"), "loop");
        case STOPPED_PROGRAM -> {
          Path base = folder.resolve("base.raw");
          Tools.run(10, "truncate", "-s", "4M", base.toString()).expect(0);
          export(base, image());
        }
        case FULL_JOURNAL -> {
          Path disk = folder.resolve("disk.img");
          export(makeFileSystem("ext4.img"), disk);
          mount(disk, "loop,data=journal");
        }
      }
    } catch (Exception | Error e) {
      close();
      throw e;
    }
  }

  private Path makeFileSystem(String name) throws Exception {
    Path image = folder.resolve(name);
    Tools.run(10, "truncate", "-s", "48M", image.toString()).expect(0);
    Tools.run(30, "mkfs.ext4", "-q", "-b", "4096", "-J", "size=4", image.toString()).expect(0);
    return image;
  }

  private void mount(Path image, String options) throws Exception {
    Tools.Result result = Tools.run(10, "mount", "-o", options, image.toString(), mount.toString());
    if (result.status() != 0) {
      abort("no file system can be mounted: " + result.output().strip());
    }
    mounted = true;
  }

  /** Serves {@code base} as the file {@code at}. */
  private void export(Path base, Path at) throws Exception {
    Files.createFile(at);
    Path log = folder.resolve("program.log");
    Process started =
        new ProcessBuilder(
                List.of(
                    "qemu-storage-daemon",
                    "--blockdev",
                    "driver=file,node-name=f,filename=" + base,
                    "--export",
                    "type=fuse,id=e,node-name=f,writable=on,mountpoint=" + at))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    program = started;
    Await.until(
        "the file is mounted, or cannot be", () -> Files.size(at) >= 4 * MIB || !started.isAlive());
    if (!started.isAlive()) {
      // Not even where tools are required: containers forbid it.
      abort("FUSE cannot be mounted: " + Files.readString(log).strip());
    }
  }

  /** Where the image is; of a stopped program it exists, and has 4 MiB. */
  Path image() {
    return mount.resolve("hung.img");
  }

  /** From now on it hangs. */
  void hang() throws Exception {
    if (kind == Kind.FROZEN) {
      Tools.run(10, "fsfreeze", "-f", mount.toString()).expect(0);
    } else {
      signal("STOP");
    }
  }

  /** It answers again. */
  void thaw() throws Exception {
    if (kind == Kind.FROZEN) {
      Tools.run(10, "fsfreeze", "-u", mount.toString());
    } else {
      signal("CONT");
    }
  }

  private void signal(String name) throws Exception {
    Process running = program;
    if (running != null) {
      Tools.run(10, "kill", "-" + name, Long.toString(running.pid())).expect(0);
    }
  }

  void close() throws Exception {
    try {
      thaw();
      if (mounted) {
        Tools.run(30, "umount", mount.toString()).expect(0);
      }
    } finally {
      end();
    }
  }

  private void end() throws IOException, InterruptedException {
    Process running = program;
    if (running != null) {
      running.destroy();
      if (!running.waitFor(10, TimeUnit.SECONDS)) {
        running.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        Path served = kind == Kind.STOPPED_PROGRAM ? image() : folder.resolve("disk.img");
        Tools.run(10, "umount", "-l", served.toString());
      }
    }
  }
}
