// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.Io;
import org.anabranch.block.IoError;
import org.anabranch.block.Limits;
import org.anabranch.block.Scheduler;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.PathOpener;
import org.anabranch.block.dm.TargetType;
import org.anabranch.block.targets.TargetTypes;
import org.anabranch.config.Configuration;
import org.anabranch.config.DeviceConfig;
import org.anabranch.config.Problem;
import org.anabranch.config.SourceLocation;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * Makes the tables of a configuration on images that can only be read, so that what the block layer
 * would refuse is known before anything is served or changed. Images that would be made read as
 * zeros; writes are swallowed.
 */
public final class Rehearsal {
  /** In place of a file, for what was made at run time. */
  private static final String MADE = "made at run time";

  /** Longer than any image. */
  private static final long ANY_SECTORS = 1L << 53;

  /** Images are taken to be there, zeros, and as long as can be. */
  private final boolean anyImages;

  private final Backends backends;

  /** How long the images of volumes would be, sectors, by their places. */
  private final Map<Object, Long> sizes = new HashMap<>();

  private final Map<String, String> tables = new TreeMap<>();
  private final Deque<String> made = new ArrayDeque<>(); // the newest first
  private final List<String> refusals = new ArrayList<>();
  private final SequencedMap<String, Problem> problems = new LinkedHashMap<>();

  private Rehearsal(Backends backends, boolean anyImages) {
    this.backends = backends;
    this.anyImages = anyImages;
  }

  /** Rehearses a configuration. */
  public static Rehearsal of(Configuration configuration, Backends backends, Scheduler scheduler) {
    return of(configuration, backends, scheduler, false);
  }

  /**
   * Rehearses a configuration as if every image were there and as long as can be: what is refused
   * then is an error in the configuration, whatever becomes of the images.
   */
  public static Rehearsal regardlessOfImages(
      Configuration configuration, Backends backends, Scheduler scheduler) {
    return of(configuration, backends, scheduler, true);
  }

  private static Rehearsal of(
      Configuration configuration, Backends backends, Scheduler scheduler, boolean anyImages) {
    Rehearsal rehearsal = new Rehearsal(backends, anyImages);
    List<TargetType> types = TargetTypes.standard();
    DeviceMapper mapper = new DeviceMapper(scheduler, rehearsal.new Opener(), types);
    rehearsal.run(
        configuration, mapper, types.stream().map(TargetType::name).collect(Collectors.toSet()));
    for (String name : rehearsal.made) {
      var _ = mapper.remove(name); // what it does in the background ends
    }
    return rehearsal;
  }

  private void run(Configuration configuration, DeviceMapper mapper, Set<String> types) {
    for (VolumeConfig volume : configuration.volumes().values()) {
      try {
        String address = volume.source().address();
        long sectors =
            anyImages ? ANY_SECTORS : VolumeLength.sectors(volume, backends.image(volume));
        if (!anyImages) {
          sizes.put(backends.of(address).place(address), sectors);
        }
        String table = TableText.volume(volume, sectors, types);
        create("volume " + volume.name(), volume.name(), table, mapper);
      } catch (RefusedException e) {
        refused(e, configuration, volume.name());
      }
    }
    try {
      for (DeviceConfig device : TableText.inOrder(configuration)) {
        try {
          create(
              "device " + device.name(),
              device.name(),
              TableText.device(device, configuration.baseDir()),
              mapper);
        } catch (RefusedException e) {
          refused(e, configuration, device.name());
        }
      }
    } catch (RefusedException e) { // they stand on each other
      refused(e, configuration, configuration.devices().firstKey());
    }
  }

  private void create(String what, String name, String table, DeviceMapper mapper)
      throws RefusedException {
    tables.put(name, table);
    Stages.await(what, mapper.create(name, table));
    made.push(name);
  }

  private void refused(RefusedException e, Configuration configuration, String name) {
    String reason = String.valueOf(e.getMessage());
    refusals.add(reason);
    SourceLocation place = configuration.locations().get(name);
    String found = reason.replaceFirst("^(volume|device) " + Pattern.quote(name) + ": ", "");
    problems.put(
        name, place == null ? new Problem(MADE, 0, name, found, "") : place.problem(found));
  }

  /** The table of each volume and device, by name. */
  public Map<String, String> tables() {
    return tables;
  }

  /** What would be refused; empty if all is well. */
  public List<String> refusals() {
    return refusals;
  }

  /** The same, each at its line of the file. */
  public List<Problem> problems() {
    return List.copyOf(problems.values());
  }

  /** The same by the names of volumes and devices. */
  public SequencedMap<String, Problem> problemsByName() {
    return Collections.unmodifiableSequencedMap(problems);
  }

  private final class Opener implements PathOpener {
    @Override
    public Object identity(String address) {
      return anyImages ? address : backends.of(address).place(address);
    }

    @Override
    public BackingDevice open(String address) throws IOException {
      if (anyImages) {
        return new ZeroImage(address);
      }
      Long planned = sizes.get(identity(address));
      return backends
          .of(address)
          .preview(address, planned == null ? VolumeBackend.AS_IT_IS : planned);
    }
  }

  /** An image of which nothing is known. */
  private record ZeroImage(String name) implements BackingDevice {
    @Override
    public Object identity() {
      return name;
    }

    @Override
    public long sectors() {
      return ANY_SECTORS;
    }

    @Override
    public Limits limits() {
      return Limits.DEFAULT;
    }

    @Override
    public void submit(Io io) {
      if (io.end() > ANY_SECTORS) {
        io.complete(IoError.outOfRange(io, ANY_SECTORS));
        return;
      }
      if (io.op() == Io.Op.BLOCK_STATUS) {
        io.answer(true, io.sectors());
      }
      if (io.op() == Io.Op.READ) {
        ByteBuffer into = io.data().duplicate();
        while (into.hasRemaining()) {
          into.put((byte) 0);
        }
      }
      io.complete(null);
    }

    @Override
    public CompletionStage<@Nullable Void> close() {
      return CompletableFuture.completedFuture(null);
    }
  }
}
