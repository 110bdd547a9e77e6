// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.io.IOException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.anabranch.block.dm.TableException;
import org.anabranch.config.VolumeConfig;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.server.admin.VolumeSize;
import org.anabranch.server.base.HostPort;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.Version;
import org.anabranch.server.base.Warning;
import org.anabranch.server.control.Arguments;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.anabranch.server.snapshots.MergeRequest;
import org.anabranch.server.snapshots.MergeRequest.Begin;
import org.anabranch.server.snapshots.MergeStatus;
import org.anabranch.server.snapshots.MergeWait;
import org.anabranch.server.snapshots.Snapshots;
import org.anabranch.server.state.SnapshotState;
import org.anabranch.server.uses.User;

/** What the control socket can ask of a {@link Server}. Each result is a JSON object. */
public final class Verbs {
  private static final int DEFAULT_CHUNK_SECTORS = 16;
  private static final long PROGRESS_MILLIS = 100;

  private final RunningServer server;

  public Verbs(RunningServer server) {
    this.server = server;
  }

  /** Every verb, by its name. */
  public Map<String, Verb> all() {
    Map<String, Verb> verbs = new TreeMap<>();
    verbs.put("status", ((Verb) (arguments, progress) -> status()).in(Place.STATUS));
    verbs.put("session list", (arguments, progress) -> Map.of("sessions", sessions()));
    verbs.put("session drop", this::drop);
    verbs.put("volume list", (arguments, progress) -> Map.of("volumes", volumes()));
    verbs.put("snapshot create", this::createSnapshot);
    verbs.put("snapshot list", this::listSnapshots);
    verbs.put("snapshot remove", this::removeSnapshot);
    verbs.put("snapshot merge", new Merging());
    verbs.put("snapshot pause", (arguments, progress) -> pause(arguments, true));
    verbs.put("snapshot resume", (arguments, progress) -> pause(arguments, false));
    new ExportVerbs(server.exports()).addTo(verbs);
    verbs.put("dm", new DeviceVerbs(server.storage(), server.madeDevices(), server::configuration));
    verbs.put("volume resize", this::resize);
    verbs.put("volume retry", this::retry);
    verbs.put("volume adopt", this::adopt);
    verbs.put("reload", this::reload);
    return verbs;
  }

  private Map<String, ?> status() throws RefusedException {
    Map<String, Object> status = new LinkedHashMap<>();
    try {
      status.put("version", Version.number());
    } catch (IOException e) {
      throw new RefusedException("version: " + e.getMessage(), e);
    }
    status.put("portals", server.portals());
    status.put("volumes", volumes());
    status.put("snapshots", snapshots(null));
    status.put("sessions", sessions());
    List<Warning> warnings = server.warnings();
    status.put("warnings", warnings.stream().map(Warning::toString).toList());
    status.put("problems", warnings.stream().map(Verbs::json).toList());
    return status;
  }

  private List<Map<String, Object>> volumes() throws RefusedException {
    List<Map<String, Object>> volumes = new ArrayList<>();
    for (VolumeConfig volume : server.configuration().volumes().values()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("name", volume.name());
      json.put("path", volume.source().address());
      boolean leftOut = server.storage().leftOut().get(volume.name()) != null;
      json.put("state", leftOut ? "left-out" : "served");
      try {
        json.put(
            "bytes", leftOut ? 0 : server.storage().mapper().device(volume.name()).sectors() * 512);
        json.put("table", leftOut ? "" : server.storage().mapper().table(volume.name()).strip());
      } catch (TableException e) {
        throw new RefusedException("volume " + volume.name() + ": " + e.getMessage(), e);
      }
      json.put("block-size", volume.blockSize());
      json.put("read-only", volume.readOnly());
      volumes.add(json);
    }
    return volumes;
  }

  private Map<String, ?> retry(Arguments arguments, Verb.Progress progress)
      throws RefusedException {
    String name = arguments.optionalText("volume");
    List<String> served =
        name == null
            ? server.recovery().retry(server.configuration())
            : server.recovery().retry(server.configuration(), name);
    return Map.of("changes", served);
  }

  private Map<String, ?> adopt(Arguments arguments, Verb.Progress progress)
      throws RefusedException {
    String name = arguments.text("volume");
    return Map.of("changes", server.recovery().adopt(server.configuration(), name));
  }

  private Map<String, ?> listSnapshots(Arguments arguments, Verb.Progress progress)
      throws RefusedException {
    String volume = arguments.optionalText("volume");
    List<Map<String, Object>> found = snapshots(volume);
    Set<String> volumes = server.configuration().volumes().keySet();
    if (volume != null && found.isEmpty() && !volumes.contains(volume)) {
      throw RefusedException.absent("volume", volume, volumes);
    }
    return Map.of("snapshots", found);
  }

  private List<Map<String, Object>> snapshots(@org.jspecify.annotations.Nullable String volume)
      throws RefusedException {
    List<Map<String, Object>> snapshots = new ArrayList<>();
    for (SnapshotState snapshot : server.snapshots().list(volume)) {
      snapshots.add(json(snapshot));
    }
    return snapshots;
  }

  private static Map<String, Object> json(Warning warning) {
    return Map.of("subject", warning.subject(), "text", warning.text(), "remedy", warning.remedy());
  }

  private Map<String, Object> json(SnapshotState snapshot) throws RefusedException {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", snapshot.device());
    json.put("volume", snapshot.volume());
    json.put("created", snapshot.created().toString());
    json.put("phase", snapshot.phase().name().toLowerCase(Locale.ROOT));
    json.put("read-only", snapshot.readOnly());
    json.put("chunk-bytes", snapshot.chunkSectors() * 512);
    json.put("store", snapshot.store().toString());
    json.put("status", server.snapshots().status(snapshot));
    if (snapshot.throttle() > 0) {
      json.put("throttle-bytes-per-second", snapshot.throttle());
    }
    if (snapshot.phase() == SnapshotState.Phase.WAITING) {
      addTo(json, server.snapshots().waits(snapshot));
    }
    MergeStatus merge = server.snapshots().progress(snapshot.device());
    if (merge != null) {
      json.put("merge", merge.json());
    }
    return json;
  }

  private List<Map<String, Object>> sessions() {
    List<Map<String, Object>> sessions = new ArrayList<>();
    for (SessionInfo info : server.sessionInfos()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("id", info.tsih());
      json.put("initiator", info.initiator());
      json.put("target", info.target());
      json.put("from", HostPort.text(info.from()));
      json.put("portal", HostPort.text(info.portal()));
      json.put("portal-group", info.portalGroupTag());
      json.put("header-digest", info.headerDigest());
      json.put("data-digest", info.dataDigest());
      json.put("commands-in-flight", info.commands());
      json.put("commands-done", info.commandsDone());
      sessions.add(json);
    }
    return sessions;
  }

  private Map<String, ?> drop(Arguments arguments, Verb.Progress progress) throws RefusedException {
    long id = arguments.number("id", -1);
    if (id != (int) id || !server.drop((int) id)) {
      throw new RefusedException("there is no session " + id);
    }
    return Map.of("dropped", id);
  }

  private Map<String, ?> reload(Arguments arguments, Verb.Progress progress)
      throws RefusedException {
    return Map.of("changes", server.reload(arguments.flag("force")));
  }

  private Map<String, ?> resize(Arguments arguments, Verb.Progress progress)
      throws RefusedException {
    String volume = arguments.text("volume");
    long bytes = arguments.number("bytes", 0);
    if (bytes % 512 != 0) {
      throw new RefusedException("volume " + volume + ": a size is whole sectors of 512 bytes");
    }
    VolumeSize.Resized done =
        server.resize(volume, bytes / 512, arguments.flag("more"), arguments.flag("force"));
    return Map.of(
        "volume", volume, "bytes", done.after() * 512, "bytes-before", done.before() * 512);
  }

  private Map<String, ?> createSnapshot(Arguments arguments, Verb.Progress progress)
      throws RefusedException {
    long chunkSectors = arguments.number("chunk-sectors", DEFAULT_CHUNK_SECTORS);
    if (chunkSectors < 8 || chunkSectors > 65536 || Long.bitCount(chunkSectors) != 1) {
      throw new RefusedException(
          "chunk size of "
              + chunkSectors * 512
              + " bytes; allowed are powers of two from 4 KiB to 32 MiB");
    }
    List<Snapshots.Wanted> wanted = new ArrayList<>();
    List<String> names = arguments.texts("names");
    for (String device : names) {
      int at = device.indexOf('@');
      if (at <= 0) {
        throw new RefusedException("not VOLUME@NAME: " + device);
      }
      wanted.add(
          wanted(arguments, device.substring(0, at), device.substring(at + 1), chunkSectors));
    }
    if (names.isEmpty()) {
      wanted.add(wanted(arguments, arguments.text("volume"), arguments.text("name"), chunkSectors));
    }
    List<Map<String, Object>> taken = new ArrayList<>();
    for (SnapshotState snapshot : server.snapshots().create(wanted)) {
      taken.add(json(snapshot));
    }
    return names.size() > 1 ? Map.of("snapshots", taken) : taken.getFirst();
  }

  private static Snapshots.Wanted wanted(
      Arguments arguments, String volume, String name, long chunkSectors) throws RefusedException {
    return new Snapshots.Wanted(
        volume, name, (int) chunkSectors, arguments.number("size", 0), arguments.flag("read-only"));
  }

  private Map<String, ?> removeSnapshot(Arguments arguments, Verb.Progress progress)
      throws RefusedException {
    String name = arguments.text("name");
    server.snapshots().remove(name, arguments.flag("force"));
    return Map.of("removed", name);
  }

  private Map<String, ?> merge(Arguments arguments, Verb.Progress progress)
      throws RefusedException, Verb.ClientGoneException {
    String name = arguments.text("name");
    SnapshotState snapshot =
        arguments.flag("cancel")
            ? server.snapshots().cancelMerge(name)
            : server.snapshots().merge(request(name, arguments));
    MergeWait wait = server.snapshots().waits(snapshot);
    String phase = snapshot.phase().name().toLowerCase(Locale.ROOT);
    if (arguments.flag("wait") && snapshot.phase() != SnapshotState.Phase.READY) {
      while (await(name, progress)) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PROGRESS_MILLIS));
      }
      phase = "merged";
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", name);
    json.put("volume", snapshot.volume());
    json.put("phase", phase);
    if (phase.equals("waiting")) {
      addTo(json, wait);
    }
    return json;
  }

  private static MergeRequest request(String name, Arguments arguments) throws RefusedException {
    boolean now = arguments.flag("now");
    boolean onNextLogin = arguments.flag("on-next-login");
    if (now && onNextLogin) {
      throw new RefusedException("now or on-next-login, not both");
    }
    long seconds = arguments.number("time-limit-seconds", MergeRequest.TIME_LIMIT.toSeconds());
    if (seconds < 1 || seconds > MergeRequest.MAX_TIME_LIMIT.toSeconds()) {
      throw new RefusedException("time limit of " + seconds + " s; allowed are 1 s to 1 day");
    }
    long throttle = arguments.number("throttle", -1);
    return new MergeRequest(
        name,
        now ? Begin.NOW : onNextLogin ? Begin.ON_NEXT_LOGIN : Begin.WHEN_UNUSED,
        Duration.ofSeconds(seconds),
        arguments.optionalText("assume-gone"),
        throttle < 0 ? null : Long.valueOf(throttle));
  }

  /** Whom a merge waits for. */
  private static void addTo(Map<String, Object> json, MergeWait wait) {
    List<Map<String, Object>> users = new ArrayList<>();
    for (User user : wait.users()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("initiator", user.initiator());
      one.put("target", user.target());
      one.put("connected", user.isConnected() && !user.isUnknown());
      if (user.cutOff() != null) {
        one.put("cut-off-since", user.cutOff().truncatedTo(ChronoUnit.SECONDS).toString());
      }
      users.add(one);
    }
    json.put("waits-for", users);
    if (wait.onNextLoginUntil() != null) {
      json.put(
          "on-next-login-until",
          wait.onNextLoginUntil().truncatedTo(ChronoUnit.SECONDS).toString());
    }
  }

  /** Who watches a merge may watch for hours. */
  private final class Merging implements Verb {
    @Override
    public Place place(Arguments arguments) throws RefusedException {
      return arguments.flag("wait") ? Place.WAITING : Place.COMMAND;
    }

    @Override
    public Map<String, ?> run(Arguments arguments, Progress progress)
        throws RefusedException, ClientGoneException {
      return merge(arguments, progress);
    }
  }

  /** Tells how far a merge is; whether it is to be waited for still. */
  private boolean await(String name, Verb.Progress progress)
      throws RefusedException, Verb.ClientGoneException {
    SnapshotState snapshot =
        server.snapshots().list(null).stream()
            .filter(each -> each.device().equals(name))
            .findAny()
            .orElse(null);
    if (snapshot == null) {
      return false;
    }
    MergeStatus status = server.snapshots().progress(name);
    if (status != null) {
      progress.report(status.json());
      if (status.isStuck()) {
        throw new RefusedException(
            "the merge of "
                + name
                + " stopped: "
                + status.json().get("state")
                + ", see the server's log");
      }
    } else if (snapshot.phase() == SnapshotState.Phase.READY) {
      throw new RefusedException(
          "the merge of " + name + " was cancelled or did not begin, see the server's log");
    } else {
      progress.report(Map.of("state", snapshot.phase().name().toLowerCase(Locale.ROOT)));
    }
    return true;
  }

  private Map<String, ?> pause(Arguments arguments, boolean paused) throws RefusedException {
    String name = arguments.text("name");
    server.snapshots().pause(name, paused);
    return Map.of("name", name, "paused", paused);
  }
}
