// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
 * Makes the tables of a configuration on files that can only be read, so that what the block layer
 * would refuse is known before anything is served or changed. Files that would be made read as
 * zeros; writes are swallowed.
 */
public final class Rehearsal {
  /** Longer than any file. */
  private static final long ANY_SECTORS = 1L << 53;

  /** Files are taken to be there, zeros, and as long as can be. */
  private final boolean anyFiles;

  private final Map<Path, Long> sizes = new HashMap<>();
  private final Map<String, String> tables = new TreeMap<>();
  private final Deque<String> made = new ArrayDeque<>(); // the newest first
  private final List<String> refusals = new ArrayList<>();
  private final List<Problem> problems = new ArrayList<>();

  private Rehearsal(boolean anyFiles) {
    this.anyFiles = anyFiles;
  }

  /** Rehearses a configuration. */
  public static Rehearsal of(Configuration configuration, Scheduler scheduler) {
    return of(configuration, scheduler, false);
  }

  /**
   * Rehearses a configuration as if every file were there and as long as can be: what is refused
   * then is an error in the configuration, whatever becomes of the files.
   */
  public static Rehearsal regardlessOfFiles(Configuration configuration, Scheduler scheduler) {
    return of(configuration, scheduler, true);
  }

  private static Rehearsal of(Configuration configuration, Scheduler scheduler, boolean anyFiles) {
    Rehearsal rehearsal = new Rehearsal(anyFiles);
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
        long sectors = anyFiles ? ANY_SECTORS : VolumeFile.sectors(volume);
        sizes.put(VolumeFile.path(volume), sectors);
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
    problems.add(Objects.requireNonNull(place, name).problem(found));
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
    return problems;
  }

  private final class Opener implements PathOpener {
    @Override
    public Object identity(String path) throws IOException {
      Path file = Path.of(path).toAbsolutePath().normalize();
      return !anyFiles && Files.exists(file) ? file.toRealPath() : file;
    }

    @Override
    public BackingDevice open(String path) throws IOException {
      Path file = Path.of(path).toAbsolutePath().normalize();
      if (anyFiles) {
        return new ReadOnlyView(Path.of(""), file, ANY_SECTORS);
      }
      Long planned = sizes.get(file);
      if (planned == null && !Files.isReadable(file)) {
        throw new IOException(path + " does not exist or cannot be read");
      }
      long sectors = planned != null ? planned : VolumeFile.length(file) / 512;
      return new ReadOnlyView(file, identity(path), sectors);
    }
  }

  /** A file's contents, zeros behind its end or in its absence; writes are swallowed. */
  private record ReadOnlyView(Path file, Object identity, long sectors) implements BackingDevice {
    @Override
    public String name() {
      return file.toString();
    }

    @Override
    public Limits limits() {
      return Limits.DEFAULT;
    }

    @Override
    public void submit(Io io) {
      if (io.end() > sectors) {
        io.complete(IoError.outOfRange(io, sectors));
        return;
      }
      if (io.op() == Io.Op.BLOCK_STATUS) {
        io.answer(true, io.sectors());
      }
      io.complete(io.op() == Io.Op.READ ? read(io) : null);
    }

    private @Nullable IoError read(Io io) {
      ByteBuffer into = io.data().duplicate();
      long offset = io.sector() * 512;
      try {
        if (Files.isReadable(file) && !Files.isDirectory(file)) {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            int count;
            while (into.hasRemaining() && (count = channel.read(into, offset)) > 0) {
              offset += count;
            }
          }
        }
      } catch (IOException e) {
        return IoError.io(io.sector(), file + " cannot be read: " + e.getMessage(), e);
      }
      while (into.hasRemaining()) {
        into.put((byte) 0);
      }
      return null;
    }

    @Override
    public CompletionStage<@Nullable Void> close() {
      return CompletableFuture.completedFuture(null);
    }
  }
}
