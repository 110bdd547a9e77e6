// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.ResizableDevice;
import org.anabranch.block.Scheduler;
import org.anabranch.block.SharedDevice;
import org.anabranch.block.Tenure;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.DeviceRef;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TableLine;
import org.anabranch.block.dm.TargetType;
import org.anabranch.block.snapshot.Bounds;
import org.anabranch.block.snapshot.InvalidStores;
import org.anabranch.block.targets.TargetTypes;
import org.anabranch.config.Configuration;
import org.anabranch.config.DeviceConfig;
import org.anabranch.config.VolumeConfig;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.state.InvalidStoreFiles;
import org.anabranch.server.state.RuntimeState;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.state.StateDirectory;
import org.anabranch.server.state.VolumeRecords;
import org.anabranch.server.storage.VolumeImage.Capability;
import org.anabranch.server.storage.shared.SharedImage;
import org.anabranch.server.storage.shared.SharedInvalidStores;
import org.anabranch.server.storage.shared.VolumePreparation;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The block layer as a configuration wants it: a mapped device for each volume and each device, all
 * by their configured names. Opened and closed by one thread.
 */
public final class Storage implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(Storage.class);

  private final Backends backends;
  private final VolumeOpener opener;
  private final GrowingFiles growing;
  private final OpenFiles files;
  private final DeviceMapper mapper;
  private final MappedDevices devices;
  private final Set<String> types;
  private final Supplier<RuntimeState> state;
  private final Path stateFolder;

  private final KnownImages images;
  private final LeftOut leftOut = new LeftOut();
  private final ImageTroubles troubles;

  /**
   * @param backends where images of volumes may be kept
   * @param stateFolder keeps what stores of snapshots and images of volumes can't say themselves
   * @param state what was made at run time
   * @throws RefusedException when what is remembered of volumes cannot be read
   */
  public Storage(
      Scheduler scheduler, Backends backends, Path stateFolder, Supplier<RuntimeState> state)
      throws RefusedException {
    this.backends = backends;
    this.opener = new VolumeOpener(backends);
    InvalidStoreFiles invalidStores = new InvalidStoreFiles(stateFolder);
    this.growing = new GrowingFiles(opener, invalidStores);
    InvalidStores invalid = new SharedInvalidStores(backends::ownerOf, invalidStores);
    this.troubles = new ImageTroubles(opener, growing);
    this.files = new OpenFiles(growing);
    this.state = state;
    this.stateFolder = stateFolder;
    this.images = new KnownImages(backends, new VolumeRecords(stateFolder), state);
    this.mapper = new DeviceMapper(scheduler, files, TargetTypes.standard(Bounds.DEFAULT, invalid));
    this.devices = new MappedDevices(mapper);
    this.types = mapper.targets().stream().map(TargetType::name).collect(Collectors.toSet());
  }

  /** The files that devices stand on now. */
  public OpenFiles files() {
    return files;
  }

  /** Where images of volumes may be kept. */
  public Backends backends() {
    return backends;
  }

  /** The image of a volume. */
  public VolumeImage image(VolumeConfig volume) {
    return backends.image(volume);
  }

  /** The block layer itself. */
  public DeviceMapper mapper() {
    return mapper;
  }

  /** The mapped devices. */
  public MappedDevices devices() {
    return devices;
  }

  /** The stores of snapshots, as files. */
  public GrowingFiles stores() {
    return growing;
  }

  /** Open images that take no writes. */
  public ImageTroubles troubles() {
    return troubles;
  }

  /**
   * Makes every volume and device that is whole; the others are {@link #leftOut}.
   *
   * @throws RefusedException when the devices stand on each other in a circle
   */
  public void open(Configuration configuration) throws RefusedException {
    List<DeviceConfig> ordered = TableText.inOrder(configuration);
    for (VolumeConfig volume : configuration.volumes().values()) {
      var _ = openIfWhole(volume);
    }
    barStrangers(configuration);
    for (DeviceConfig device : ordered) {
      openDeviceIfWhole(device, configuration.baseDir());
    }
  }

  /** Makes a volume's device, or leaves the volume out. Whether it is there now. */
  public boolean openIfWhole(VolumeConfig volume) {
    try {
      openVolume(volume);
      return true;
    } catch (RefusedException e) {
      leaveOut(volume, e);
      return false;
    }
  }

  /** Makes a configured device, or leaves it out. */
  public void openDeviceIfWhole(DeviceConfig device, Path baseDir) {
    try {
      openDevice(device, baseDir);
    } catch (RefusedException e) {
      leftOut.add(LeftOut.Kind.DEVICE, device.name(), e);
    }
  }

  /** The device of a volume that other servers may serve, too; null if it is none, or not open. */
  public @Nullable SharedDevice shared(String volume) {
    return opener.device(volume) instanceof SharedDevice device ? device : null;
  }

  /**
   * Has {@code listener} told, with the volume's name, when a volume that other servers may serve
   * comes here or goes. It must not block.
   */
  public void onTenure(BiConsumer<String, Tenure> listener) {
    opener.onTenure(listener);
  }

  /**
   * Has something done, with the volume's name, each time such a volume comes here, before it is
   * active; not when it is opened.
   */
  public void beforeActive(VolumePreparation preparation) {
    opener.beforeActive(preparation);
  }

  /** What is not served though it should be. */
  public LeftOut leftOut() {
    return leftOut;
  }

  /** What is left out, and the images that take no writes. */
  @Override
  public List<Warning> warnings() {
    List<Warning> warnings = new ArrayList<>(leftOut.warnings());
    warnings.addAll(troubles.warnings());
    return warnings;
  }

  /** Refuses a path of a file that is the server's own: of its state, or of a volume's. */
  public void refuseOwn(Path path) throws RefusedException {
    if (StateDirectory.owns(stateFolder, path) || images.isVolumes(path)) {
      throw new RefusedException(
          path + " is a file of the server's own, or a volume's image; name another file");
    }
  }

  /** Refuses a path of the server's state. */
  public void refuseState(Path path) throws RefusedException {
    if (StateDirectory.owns(stateFolder, path)) {
      throw new RefusedException(path + " is a file of the server's own");
    }
  }

  /** Forgets what the image of a volume was, durably. */
  public void forgetImage(String volume) throws RefusedException {
    images.forget(volume);
  }

  /** A volume is about to get another name: remembers its image for that, too, durably. */
  public void alsoRemember(String volume, String newName) throws RefusedException {
    images.alsoRemember(volume, newName);
  }

  /** A volume that is served has another name; its device has that already. */
  public void renamed(String volume, VolumeConfig now) {
    opener.renamed(volume, now);
  }

  /** Refuses what is left out. */
  public void refuseIfLeftOut(String name) throws RefusedException {
    LeftOut.Entry entry = leftOut.get(name);
    if (entry != null) {
      throw entry.refusal();
    }
  }

  /** What the image of an open volume is to several servers; null where it is none of that. */
  public @Nullable SharedImage sharedImage(String volume) {
    VolumeConfig config = opener.volume(volume);
    return config == null ? null : backends.image(config).shared();
  }

  /**
   * Lets the image of a volume say whether this server has snapshots of it, durably: no other
   * server may serve it then.
   */
  public void keepHere(String volume, boolean isKept) throws RefusedException {
    VolumeConfig config = opener.volume(volume);
    if (config == null) {
      return; // it is left out: nobody can write to it from here
    }
    try {
      backends.image(config).keepHere(isKept);
    } catch (IOException e) {
      throw new RefusedException("volume " + volume + ": " + StateDirectory.reason(e), e);
    }
  }

  /** Nobody writes past snapshots to the images of volumes that are not configured any more. */
  private void barStrangers(Configuration configuration) {
    for (SnapshotState snapshot : state.get().snapshots().values()) {
      String origin = snapshot.origin();
      if (origin != null && !configuration.volumes().containsKey(snapshot.volume())) {
        opener.bar(snapshot.volume(), origin);
      }
    }
  }

  private void leaveOut(VolumeConfig volume, RefusedException reason) {
    leftOut.add(LeftOut.Kind.VOLUME, volume.name(), reason);
    opener.bar(volume.name(), volume.source().address());
  }

  /**
   * Takes a volume down that nobody uses yet, with everything that stands on it, since its
   * snapshots cannot all be served: a write to it would destroy them.
   */
  public void withdraw(VolumeConfig volume, RefusedException reason) throws RefusedException {
    Set<String> gone = new HashSet<>();
    for (String device : devices.names()) {
      boolean snapshot = device.startsWith(volume.name() + "@");
      if (snapshot || device.equals(volume.name())) {
        gone.add(device);
        gone.addAll(devices.above(device));
      }
    }
    for (String device : devices.names()) { // the newest first
      if (gone.contains(device)) {
        devices.remove(device);
        if (!device.startsWith(volume.name() + "@") && !device.equals(volume.name())) {
          leftOut.add(
              state.get().devices().containsKey(device)
                  ? LeftOut.Kind.MADE_DEVICE
                  : LeftOut.Kind.DEVICE,
              device,
              onLeftOut(device, volume.name()));
        }
      }
    }
    opener.remove(volume.name());
    leaveOut(volume, reason);
  }

  /** A device that {@code dm create} made cannot be brought back. */
  public void leaveOutDevice(String name, RefusedException reason) {
    leftOut.add(LeftOut.Kind.MADE_DEVICE, name, reason);
  }

  private static RefusedException onLeftOut(String device, String below) {
    return new NotWholeException(
        "device " + device,
        "it stands on " + below + ", which is left out",
        "put that right; it comes back with it");
  }

  /** Refuses a table that stands on something that is left out. */
  private void refuseOnLeftOut(String name, String table) throws RefusedException {
    Set<String> names = leftOut.all().stream().map(LeftOut.Entry::name).collect(Collectors.toSet());
    try {
      for (DeviceRef below : TargetTypes.read(TableLine.parse(table), names).devices()) {
        if (below instanceof DeviceRef.Named named
            && names.contains(named.name())
            && !named.name().equals(name)) {
          throw onLeftOut(name, named.name());
        }
      }
    } catch (TableException e) {
      LOG.debug("{}: {}", name, e.getMessage()); // refused when it is loaded, with the reason
    }
  }

  /** Takes the image at a volume's address for the right one; the volume is not served. */
  public void adoptImage(VolumeConfig volume) throws RefusedException {
    images.adopt(volume);
  }

  /**
   * Makes a volume's device; its image is made if absent, and extended if too short.
   *
   * @throws RefusedException when the image is not whole, or not the volume's
   */
  public void openVolume(VolumeConfig volume) throws RefusedException {
    ImageFacts found = images.check(volume);
    VolumeImage image = backends.image(volume);
    long sectors = VolumeLength.prepare(volume, image, found);
    try {
      opener.put(volume);
    } catch (IOException e) {
      throw new RefusedException("volume " + volume.name() + ": " + StateDirectory.reason(e), e);
    }
    String table = TableText.volume(volume, sectors, types);
    try {
      create("volume " + volume.name(), volume.name(), table);
    } catch (RefusedException e) {
      opener.remove(volume.name());
      throw opening(volume, e);
    }
    leftOut.remove(volume.name());
    if (!image.capabilities().contains(Capability.LOCKS)) {
      LOG.warn(
          "volume {}: nothing keeps other processes from writing to {} while it is served",
          volume.name(),
          volume.source().address());
    }
    try {
      images.remember(volume, sectors * 512);
    } catch (RefusedException e) {
      LOG.error("{}; another image in its place would not be noticed", e.getMessage());
    }
    keepHere(
        volume.name(),
        state.get().snapshots().values().stream()
            .anyMatch(snapshot -> snapshot.volume().equals(volume.name()) && !snapshot.isShared()));
  }

  /** Of a refusal to open an image, what the image has to do with it, and not the table over it. */
  private static RefusedException opening(VolumeConfig volume, RefusedException refusal) {
    for (Throwable cause = refusal.getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException e) {
        return new RefusedException(
            "volume " + volume.name() + ": " + StateDirectory.reason(e), refusal);
      }
    }
    return refusal;
  }

  /** Takes a volume's device down; its image stays. */
  public void removeVolume(String volume) throws RefusedException {
    devices.remove(volume);
    opener.remove(volume);
  }

  /** Makes a configured device. */
  public void openDevice(DeviceConfig device, Path baseDir) throws RefusedException {
    create("device " + device.name(), device.name(), TableText.device(device, baseDir));
    leftOut.remove(device.name());
  }

  /** Gives a configured device that is in use another table. */
  public void reloadDevice(DeviceConfig device, Path baseDir) throws RefusedException {
    Stages.<@Nullable Void>await(
        "device " + device.name(), mapper.reload(device.name(), TableText.device(device, baseDir)));
  }

  /**
   * Gives a volume that is in use, but not being rolled back, another length: its image and its
   * device, durably. Requests wait for a moment. Snapshots keep their length.
   */
  public void resize(VolumeConfig volume, long sectors) throws RefusedException {
    String what = "volume " + volume.name();
    BackingDevice device = opener.device(volume.name());
    if (device == null) {
      throw new RefusedException(what + " is not open");
    }
    long before = devices.sectors(volume.name());
    Capability needed = sectors < before ? Capability.SHRINKS_IN_USE : Capability.GROWS_IN_USE;
    if (!(device instanceof ResizableDevice image)
        || !backends.image(volume).capabilities().contains(needed)) {
      throw new RefusedException(
          what
              + ": "
              + volume.source().address()
              + (sectors < before ? " cannot become shorter" : " cannot become longer")
              + " while it is served");
    }
    String table = TableText.volume(volume, sectors, types);
    if (sectors < before) {
      Stages.<@Nullable Void>await(what, mapper.reload(volume.name(), table));
      images.resized(volume.name(), sectors * 512);
      Stages.<@Nullable Void>await(what, image.resize(sectors));
      return;
    }
    Stages.<@Nullable Void>await(what, image.resize(sectors));
    try {
      Stages.<@Nullable Void>await(what, mapper.reload(volume.name(), table));
    } catch (RefusedException e) {
      Stages.<@Nullable Void>await(what, image.resize(before));
      throw e;
    }
    images.resized(volume.name(), sectors * 512);
  }

  /**
   * Makes a mapped device with a table in dmsetup's text.
   *
   * @throws RefusedException also when it stands on something that is left out
   */
  public void create(String what, String name, String table) throws RefusedException {
    refuseOnLeftOut(name, table);
    devices.create(what, name, table);
  }

  /** Takes every device down, which makes their images durable. Whether all went well. */
  public boolean close(Duration within) {
    return devices.close(within);
  }
}
