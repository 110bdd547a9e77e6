// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.channels.Channels;
import java.util.List;
import java.util.Map;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.verbs.VolumeImportVerb;
import org.anabranch.server.control.verbs.snapshots.SnapshotExportVerb;

/**
 * What is done to a volume while a fault happens. What an initiator does reports its failures to
 * the volume; what an administrator does is refused.
 */
enum FaultScenario {
  READ_WRITE_FLUSH {
    @Override
    void run(SweptVolume volume) throws Exception {
      volume.write(0, 64, 2);
      volume.writeThrough(100, 8, 3);
      volume.flush();
      volume.write(128, 32, 4);
      volume.flush();
      volume.readWhileFailing();
    }
  },
  FIRST_WRITE_AFTER_SNAPSHOT {
    @Override
    void prepare(SweptVolume volume) throws Exception {
      snapshot(volume);
    }

    @Override
    void run(SweptVolume volume) throws Exception {
      volume.write(0, 64, 2);
      volume.flush();
      volume.write(256, 16, 3);
      volume.flush();
    }
  },
  SNAPSHOT_CREATE {
    @Override
    void run(SweptVolume volume) throws Exception {
      snapshot(volume);
    }

    @Override
    boolean isDone(SweptVolume volume) throws Exception {
      return snapshots(volume).contains(volume.snapshot());
    }
  },
  MERGE {
    @Override
    void prepare(SweptVolume volume) throws Exception {
      snapshot(volume);
      volume.write(0, 200, 2);
      volume.flush();
    }

    @Override
    void run(SweptVolume volume) throws Exception {
      volume.mayBe(SweptVolume.OLD);
      merge(volume, false);
      volume.is(SweptVolume.OLD);
    }

    @Override
    boolean isDone(SweptVolume volume) throws Exception {
      return !snapshots(volume).contains(volume.snapshot());
    }
  },
  MERGE_KEEP {
    @Override
    void prepare(SweptVolume volume) throws Exception {
      MERGE.prepare(volume);
    }

    @Override
    void run(SweptVolume volume) throws Exception {
      volume.mayBe(SweptVolume.OLD);
      merge(volume, true);
      volume.is(SweptVolume.OLD);
    }

    @Override
    boolean isDone(SweptVolume volume) throws Exception {
      return snapshots(volume).contains(volume.snapshot()); // at least it is not lost
    }
  },
  VOLUME_CREATE_FROM {
    @Override
    void prepare(SweptVolume volume) throws Exception {
      snapshot(volume);
    }

    @Override
    void run(SweptVolume volume) throws Exception {
      volume.site.ask(
          "volume create",
          Map.of("name", volume.name + "copy", "from", volume.snapshot(), "wait", true));
    }

    @Override
    boolean isDone(SweptVolume volume) throws Exception {
      return names(volume.site, "volume list", "volumes").contains(volume.name + "copy");
    }
  },
  IMPORT {
    @Override
    void prepare(SweptVolume volume) throws Exception {
      snapshot(volume);
    }

    @Override
    void run(SweptVolume volume) throws Exception {
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      volume
          .site
          .client()
          .download(
              SnapshotExportVerb.CALL,
              new SnapshotExportVerb.Arguments(volume.snapshot(), null, false, null, false),
              state -> {},
              data -> {
                byte[] bytes = new byte[data.remaining()];
                data.get(bytes);
                stream.writeBytes(bytes);
              });
      volume
          .site
          .client()
          .upload(
              VolumeImportVerb.CALL,
              new VolumeImportVerb.Arguments(volume.name + "copy", null, false),
              state -> {},
              Channels.newChannel(new ByteArrayInputStream(stream.toByteArray())));
    }

    @Override
    boolean isDone(SweptVolume volume) throws Exception {
      return names(volume.site, "snapshot list", "snapshots").contains(volume.name + "copy@s");
    }
  },
  RESIZE {
    @Override
    void run(SweptVolume volume) throws Exception {
      volume.site.ask(
          "volume resize",
          Map.of("volume", volume.name, "bytes", (long) SweptVolume.SECTORS << 10));
    }
  },
  UNMAP_AND_WRITE_SAME {
    @Override
    void run(SweptVolume volume) throws Exception {
      volume.unmap(0, 64);
      volume.writeSame(128, 64, 0);
      volume.writeSame(256, 32, 5);
      volume.flush();
    }
  },
  RESERVATION {
    @Override
    void run(SweptVolume volume) throws Exception {
      volume.register(0x11);
      volume.flush();
    }
  };

  /** Before the fault. */
  void prepare(SweptVolume volume) throws Exception {}

  /** While the fault happens. */
  abstract void run(SweptVolume volume) throws Exception;

  /** After it was refused: whether it is done all the same, as when only the answer got lost. */
  boolean isDone(SweptVolume volume) throws Exception {
    return false;
  }

  private static void snapshot(SweptVolume volume) throws RefusedException {
    volume.site.ask(
        "snapshot create", Map.of("names", List.of(volume.snapshot()), "chunk-sectors", 8));
  }

  private static void merge(SweptVolume volume, boolean keep) throws RefusedException {
    volume.site.ask(
        "snapshot merge",
        Map.of("name", volume.snapshot(), "now", true, "wait", true, "keep", keep));
  }

  static List<String> snapshots(SweptVolume volume) throws RefusedException {
    return names(volume.site, "snapshot list", "snapshots");
  }

  static List<String> names(Site site, String verb, String list) throws RefusedException {
    return site.ask(verb, Map.of()).get(list) instanceof List<?> entries
        ? entries.stream().map(each -> String.valueOf(((Map<?, ?>) each).get("name"))).toList()
        : List.of();
  }
}
