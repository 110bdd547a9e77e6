// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigValueFactory;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * {@code volumes/NAME.json} in the state directory: a {@link VolumeRecord} for each volume that was
 * ever served, one small JSON file each.
 *
 * <pre>{@code
 * {
 *   "bytes" : 21474836480, "image" : "2049:131074", "marked" : true,
 *   "path" : "/srv/vm1.img", "uuid" : "0b7f6e0c-6f0e-4c3c-8d3f-2f1f6a4f2f10"
 * }
 * }</pre>
 *
 * <p>{@code path} is the image's address, whatever keeps it, as {@link StatePaths} writes it.
 * Earlier versions wrote {@code device} and {@code inode} in place of {@code image}; such records
 * are read.
 *
 * <p>Any thread may look; one at a time may change, by its turn in {@link Changes}.
 */
public final class VolumeRecords {
  private static final String SUFFIX = ".json";
  private static final int MAX_BYTES = 64 << 10;

  private final Path folder;
  private final StatePaths paths;
  private final Map<String, VolumeRecord> records = new ConcurrentSkipListMap<>();

  /**
   * Reads all records. A damaged one is refused: without it a wrong image might be served.
   *
   * @param stateFolder owned by this server, or not changed by anybody
   */
  public VolumeRecords(Path stateFolder) throws RefusedException {
    folder = stateFolder.resolve("volumes");
    paths = new StatePaths(stateFolder);
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        String name = String.valueOf(file.getFileName());
        if (name.endsWith(SUFFIX)) {
          String volume = name.substring(0, name.length() - SUFFIX.length());
          records.put(volume, read(volume));
        }
      }
    } catch (IOException | java.nio.file.DirectoryIteratorException e) {
      IOException cause = e instanceof IOException io ? io : (IOException) e.getCause();
      throw new RefusedException(
          folder + " cannot be read: " + (cause == null ? e : StateDirectory.reason(cause)), e);
    }
  }

  private DurableFile file(String volume) {
    return new DurableFile(folder.resolve(volume + SUFFIX));
  }

  private VolumeRecord read(String volume) throws IOException, RefusedException {
    DurableFile file = file(volume);
    try {
      Config json =
          ConfigFactory.parseString(
              file.read(MAX_BYTES), ConfigParseOptions.defaults().setSyntax(ConfigSyntax.JSON));
      return new VolumeRecord(
          volume,
          UUID.fromString(json.getString("uuid")),
          json.getBoolean("marked"),
          paths.read(json.getString("path")),
          json.hasPath("image")
              ? json.getString("image")
              : FileId.of(json.getLong("device"), json.getLong("inode")),
          json.getLong("bytes"));
    } catch (ConfigException | IllegalArgumentException e) {
      throw new RefusedException(
          file.path()
              + " is damaged: "
              + e.getMessage()
              + "; restore it from a backup, or delete it if the image of volume "
              + volume
              + " is certainly the right one",
          e);
    }
  }

  /** What is remembered of a volume. */
  public @Nullable VolumeRecord get(String volume) {
    return records.get(volume);
  }

  /** All records, by volume. */
  public SortedMap<String, VolumeRecord> all() {
    return new TreeMap<>(records);
  }

  /** Remembers it, durably. */
  public void put(VolumeRecord record) throws RefusedException {
    if (record.equals(records.get(record.volume()))) {
      return;
    }
    try {
      PrivateFolder.make(folder);
      file(record.volume()).write(render(record));
    } catch (IOException e) {
      throw new RefusedException(
          file(record.volume()).path() + " cannot be written: " + StateDirectory.reason(e), e);
    }
    records.put(record.volume(), record);
  }

  private String render(VolumeRecord record) {
    Map<String, Object> json =
        Map.of(
            "uuid", record.uuid().toString(),
            "marked", record.marked(),
            "path", paths.written(record.address()),
            "image", record.id(),
            "bytes", record.bytes());
    return ConfigValueFactory.fromMap(json)
        .render(ConfigRenderOptions.defaults().setOriginComments(false).setComments(false));
  }

  /** Forgets it, durably. */
  public void remove(String volume) throws RefusedException {
    try {
      if (Files.deleteIfExists(file(volume).path())) {
        DurableFile.syncFolder(folder);
      }
    } catch (IOException e) {
      throw new RefusedException(
          file(volume).path() + " cannot be deleted: " + StateDirectory.reason(e), e);
    }
    records.remove(volume);
  }
}
