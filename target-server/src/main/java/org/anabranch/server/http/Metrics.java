// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.Labels;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.anabranch.block.SharedDevice;
import org.anabranch.block.Tenure;
import org.anabranch.block.count.Counter;
import org.anabranch.block.count.Counts;
import org.anabranch.block.count.Described;
import org.anabranch.block.count.Latency;
import org.anabranch.block.count.LatencyDistribution;
import org.anabranch.block.dm.MappedDevice;
import org.anabranch.block.snapshot.MergeHandle;
import org.anabranch.block.snapshot.MergeProgress;
import org.anabranch.block.snapshot.SnapshotHandle;
import org.anabranch.block.snapshot.SnapshotStatus;
import org.anabranch.config.VolumeConfig;
import org.anabranch.iscsi.session.SessionInfo;
import org.anabranch.scsi.unit.LogicalUnit;
import org.anabranch.server.base.LastAnswers;
import org.anabranch.server.base.Version;
import org.anabranch.server.control.verbs.RunningServer;
import org.anabranch.server.hooks.HookCounts;
import org.anabranch.server.schedule.ScheduleStatus;
import org.anabranch.server.stats.Subject;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that is counted, and the state of now, as Prometheus reads it. A counter {@code
 * READ_BYTES} of layer {@code unit} is {@code anabranch_unit_read_bytes_total}; a latency {@code
 * READ} is the histogram {@code anabranch_unit_read_latency_seconds}. What {@code io} counts is
 * named for the device or the file that counts it. Any thread.
 */
final class Metrics {
  static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;
  private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);
  private static final String PREFIX = "anabranch_";
  private static final long SECTOR = 512;

  private final RunningServer server;

  /** By path. */
  private final LastAnswers<String, Long> freeBytes = new LastAnswers<>("free space of a file");

  Metrics(RunningServer server) {
    this.server = server;
  }

  void write(OutputStream out) throws IOException {
    Families families = new Families();
    Map<String, SessionInfo> sessions = new HashMap<>();
    for (SessionInfo session : server.statistics().sessions()) {
      sessions.put(Integer.toString(session.tsih()), session);
    }
    for (Subject subject : server.statistics().subjects()) {
      counts(families, subject, labels(subject, sessions));
    }
    sessions.forEach((id, session) ->
        families.gauge(
            PREFIX + "session_commands_in_flight",
            "Commands that are not answered yet",
            labels(id, session),
            session.commands()));
    server.statistics().devices().forEach((name, device) -> device(families, name, device));
    volumes(families);
    DataMetrics.add(families, server);
    files(families);
    server.hookCounts().all().forEach(count -> hook(families, count));
    server.schedules().status().forEach(schedule -> schedule(families, schedule));
    families.gauge(
        PREFIX + "sessions", "Sessions that are logged in", Labels.EMPTY, sessions.size());
    families.gauge(
        PREFIX + "problems",
        "Warnings that anabranch status shows",
        Labels.EMPTY,
        server.warnings().size());
    families.gauge(
        PREFIX + "build_info",
        "Always 1; the version is the label",
        Labels.of("version", Version.number()),
        1);
    ProcessMetrics.add(families);
    PrometheusTextFormatWriter.create()
        .write(out, families.snapshots(), EscapingScheme.UNDERSCORE_ESCAPING);
  }

  private static Labels labels(Subject subject, Map<String, SessionInfo> sessions) {
    return switch (subject.kind()) {
      case SERVER -> Labels.EMPTY;
      case UNIT, DEVICE -> deviceLabels(subject.name());
      case FILE -> Labels.of("file", subject.name());
      case SESSION -> {
        SessionInfo session = sessions.get(subject.name());
        yield session == null
            ? Labels.of("session", subject.name())
            : labels(subject.name(), session);
      }
    };
  }

  private static Labels labels(String id, SessionInfo session) {
    return Labels.of("session", id, "initiator", session.initiator(), "target", session.target());
  }

  /** A volume's or another device's name is the volume; a snapshot's has both parts. */
  private static Labels deviceLabels(String name) {
    int at = name.indexOf('@');
    return Labels.of(
        "volume",
        at < 0 ? name : name.substring(0, at),
        "snapshot",
        at < 0 ? "" : name.substring(at + 1));
  }

  private static void counts(Families families, Subject subject, Labels labels) {
    subject
        .counts()
        .read(
            new Counts.Visitor() {
              @Override
              public void counter(Counter counter, long value) {
                if (counter.layer().equals("login-refusals")) {
                  families.counter(
                      PREFIX + "login_refusals",
                      "Logins that were refused",
                      Labels.of("reason", counter.key()),
                      (double) value);
                } else {
                  families.counter(name(subject, counter), counter.words(), labels, (double) value);
                }
              }

              @Override
              public void latency(Latency latency, LatencyDistribution distribution) {
                families.histogram(
                    name(subject, latency) + "_latency_seconds",
                    latency.words(),
                    labels,
                    distribution);
              }
            });
  }

  private static String name(Subject subject, Described counted) {
    String layer =
        counted.layer().equals("io")
            ? subject.kind().name().toLowerCase(Locale.ROOT)
            : counted.layer();
    return PREFIX + layer + "_" + counted.name().toLowerCase(Locale.ROOT);
  }

  private static void hook(Families families, HookCounts.Count count) {
    Labels labels = Labels.of("hook", count.hook().key(), "volume", count.volume());
    families.counter(
        PREFIX + "hook_runs", "Runs of hooks that have ended", labels, (double) count.runs());
    families.counter(
        PREFIX + "hook_failures",
        "Runs of hooks that failed, those at their time limit included",
        labels,
        (double) count.failures());
    families.counter(
        PREFIX + "hook_timeouts",
        "Runs of hooks that were ended at their time limit",
        labels,
        (double) count.timeouts());
    families.gauge(
        PREFIX + "hook_last_duration_seconds",
        "How long the last run of the hook took",
        labels,
        count.last().toNanos() / 1e9);
  }

  private static void schedule(Families families, ScheduleStatus schedule) {
    Labels labels = Labels.of("schedule", schedule.config().name());
    families.gauge(
        PREFIX + "schedule_next_run_timestamp_seconds",
        "When the schedule is due next",
        labels,
        schedule.next().getEpochSecond());
    families.gauge(
        PREFIX + "schedule_paused",
        "Whether the schedule is paused",
        labels,
        schedule.paused() ? 1 : 0);
    families.gauge(
        PREFIX + "schedule_failed",
        "1 when the last run has not taken all of its snapshots",
        labels,
        schedule.isWell() ? 0 : 1);
    families.gauge(
        PREFIX + "schedule_snapshots",
        "Snapshots that the schedule has made and that are there",
        labels,
        schedule.snapshots());
    families.counter(
        PREFIX + "schedule_runs", "Runs since the server began", labels, (double) schedule.runs());
    families.counter(
        PREFIX + "schedule_failures",
        "Runs since the server began that have not taken all of their snapshots",
        labels,
        (double) schedule.failures());
  }

  private void device(Families families, String name, MappedDevice device) {
    Labels labels = deviceLabels(name);
    LogicalUnit unit = server.statistics().unit(device);
    if (unit != null) {
      families.gauge(
          PREFIX + "unit_queue_depth",
          "Commands that are not ended yet",
          labels,
          unit.queueDepth());
    }
    families.gauge(
        PREFIX + "device_suspended",
        "1 while requests wait for a resume",
        labels,
        device.suspended() ? 1 : 0);
    for (SnapshotHandle snapshot : device.targets(SnapshotHandle.class)) {
      snapshot(families, labels, snapshot.snapshotStatus());
    }
    for (MergeHandle merge : device.targets(MergeHandle.class)) {
      merge(families, labels, merge.progress());
    }
  }

  private static void snapshot(Families families, Labels labels, SnapshotStatus status) {
    families.gauge(
        PREFIX + "store_used_bytes",
        "What is in use of a snapshot's store, its records included",
        labels,
        status.allocatedSectors() * SECTOR);
    families.gauge(
        PREFIX + "store_size_bytes",
        "How long the store is now; one that grows by itself becomes longer",
        labels,
        status.totalSectors() * SECTOR);
    families.gauge(
        PREFIX + "snapshot_invalid",
        "1 when the snapshot is lost",
        labels,
        status.state() == SnapshotStatus.State.INVALID ? 1 : 0);
    families.gauge(
        PREFIX + "snapshot_overflowed",
        "1 when the snapshot takes no writes because its store is full",
        labels,
        status.state() == SnapshotStatus.State.OVERFLOWED ? 1 : 0);
  }

  private static void merge(Families families, Labels labels, MergeProgress progress) {
    families.gauge(
        PREFIX + "merge_running",
        "1 while a merge is at work",
        labels,
        progress.state() == MergeProgress.State.RUNNING ? 1 : 0);
    families.gauge(
        PREFIX + "merge_failed",
        "1 when an error stopped the merge",
        labels,
        progress.state() == MergeProgress.State.FAILED ? 1 : 0);
    families.gauge(
        PREFIX + "merge_remaining_bytes",
        "What is not merged yet",
        labels,
        (double) progress.remainingBytes());
    families.gauge(
        PREFIX + "merge_bytes_per_second",
        "How fast it is",
        labels,
        (double) progress.bytesPerSecond());
    families.gauge(
        PREFIX + "merge_waiting_writes",
        "Writes that wait while their sectors are copied",
        labels,
        progress.waitingWrites());
  }

  private void volumes(Families families) {
    families.gauge(
        PREFIX + "store_limit_bytes",
        "How long a store may become; 0 is as long as it can need",
        Labels.EMPTY,
        (double) server.configuration().stores().limit());
    for (VolumeConfig volume : server.configuration().volumes().values()) {
      families.gauge(
          PREFIX + "volume_left_out",
          "1 when the volume is not served; anabranch status says why",
          deviceLabels(volume.name()),
          server.storage().leftOut().get(volume.name()) == null ? 0 : 1);
      SharedDevice shared = server.storage().shared(volume.name());
      if (shared != null) {
        families.gauge(
            PREFIX + "volume_active",
            "1 when this server has a volume that other servers may have, 0 when it stands by or is fenced",
            deviceLabels(volume.name()),
            shared.tenure() instanceof Tenure.Active ? 1 : 0);
      }
    }
  }

  private void files(Families families) {
    Map<String, LastAnswers.Question<Long>> questions = new HashMap<>();
    server.storage().files().all().keySet().forEach(path -> questions.put(path, () -> free(path)));
    Map<String, Long> free = freeBytes.of(questions);
    server
        .storage()
        .files()
        .all()
        .forEach((path, file) -> {
          families.gauge(
              PREFIX + "file_failed",
              "1 when the file takes no writes since a failure",
              Labels.of("file", path),
              file.failure() == null && file.trouble() == null && file.departure() == null ? 0 : 1);
          families.gauge(
              PREFIX + "file_interrupted",
              "1 when what keeps the image does not answer now, such as an NBD server or a Ceph cluster",
              Labels.of("file", path),
              file.interruption() == null ? 0 : 1);
          Long space = free.get(path);
          if (space != null) {
            families.gauge(
                PREFIX + "file_free_bytes",
                "What is free in the file's file system",
                Labels.of("file", path),
                space);
          }
        });
  }

  private static @Nullable Long free(String path) {
    try {
      return Files.getFileStore(Path.of(path)).getUsableSpace();
    } catch (IOException | InvalidPathException e) {
      LOG.debug("{}: free space is not known: {}", path, e.getMessage());
      return null;
    }
  }
}
