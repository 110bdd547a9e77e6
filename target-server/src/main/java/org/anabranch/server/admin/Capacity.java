// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.admin;

import com.sun.management.UnixOperatingSystemMXBean;
import io.netty.util.internal.PlatformDependent;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.anabranch.config.Configuration;
import org.anabranch.config.LimitsConfig;
import org.anabranch.iscsi.login.IscsiLimits;
import org.anabranch.server.base.Warning;
import org.anabranch.server.terminal.Sizes;

/**
 * What a process can hold, and the limits of a configuration that fit into it. A limit that does
 * not fit is lowered, with a warning: a server that takes on more than it can hold would lose the
 * sessions that it has.
 *
 * <pre>
 *   limit                 fits into
 *   limits.memory         memory outside of the heap, and what the machine or the control group has
 *                         beside the whole heap and 80 MiB for the JVM: three quarters of what is
 *                         left beside one chunk for each pool of buffers, since a transfer of 1 MiB
 *                         takes 1.33
 *   limits.sessions       limits.memory, half of which has a place for one command of each session;
 *                         half of the heap, of which a session takes 64 KiB at most
 *   limits.connections    file descriptors, beside those of files, stores, HTTP and control
 *   limits.silent-connections
 *                         the descriptors that are left, and an eighth of the heap, of which one
 *                         takes 2.5 KiB; without a warning, since nobody who says something is
 *                         refused for that
 * </pre>
 *
 * @param heapBytes the most that the heap takes
 * @param directBytes the most that buffers outside of it take
 * @param machineBytes memory of the machine, or of the control group where that is limited
 * @param descriptors file descriptors that the process may have open
 * @param processors event loops and pools of buffers go by them
 */
public record Capacity(
    long heapBytes, long directBytes, long machineBytes, long descriptors, int processors) {
  private static final long CHUNK = 4L << 20;

  /** The JVM's own: code, classes, stacks of threads, what the collector keeps. */
  private static final long JVM_BYTES = 80L << 20;

  private static final long SESSION_HEAP = 64L << 10;
  private static final long SILENT_CONNECTION_HEAP = 5L << 9;
  private static final long LEAST_MEMORY = 1L << 20;
  private static final int LEAST_CONNECTIONS = 8;

  /** For the JVM, control, HTTP, logging, and files that are open for a moment. */
  private static final int OTHER_DESCRIPTORS = 256;

  /** For the image of a volume and the stores of some snapshots. */
  private static final int DESCRIPTORS_PER_VOLUME = 4;

  /**
   * Limits that fit.
   *
   * @param warnings one for each that was lowered
   */
  public record Fitting(LimitsConfig limits, List<Warning> warnings) {}

  /** That of this process. */
  public static Capacity ofThisProcess() {
    UnixOperatingSystemMXBean system =
        ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
            ? unix
            : null;
    return new Capacity(
        Runtime.getRuntime().maxMemory(),
        PlatformDependent.maxDirectMemory(),
        system == null ? Long.MAX_VALUE : system.getTotalMemorySize(),
        system == null ? Long.MAX_VALUE : system.getMaxFileDescriptorCount(),
        Runtime.getRuntime().availableProcessors());
  }

  /** The limits of a configuration as far as they fit. */
  public Fitting fit(Configuration configuration) {
    LimitsConfig wanted = configuration.limits();
    List<Warning> warnings = new ArrayList<>();
    int firstBurst = configuration.iscsi().firstBurstLength();
    long memory = Math.min(wanted.memory(), Math.max(mostMemory(), least(firstBurst)));
    if (memory < wanted.memory()) {
      warnings.add(
          new Warning(
              "limits.memory",
              "is "
                  + Sizes.exact(wanted.memory())
                  + ", and "
                  + Sizes.exact(memory)
                  + " fit beside the rest of what this process may have outside of its heap, "
                  + Sizes.exact(outsideOfHeap()),
              besideHeap() < directBytes
                  ? "give the machine or the control group more memory (MemoryMax of the service),"
                      + " Java a smaller heap (-Xmx in ANABRANCH_JAVA_OPTS), or lower it"
                  : "give Java more (-XX:MaxDirectMemorySize, or -Xmx, in ANABRANCH_JAVA_OPTS), or"
                      + " lower it"));
    }
    long places = memory / 2 / firstBurst;
    int sessions =
        (int)
            Math.max(
                1, Math.min(wanted.sessions(), Math.min(places, heapBytes / 2 / SESSION_HEAP)));
    if (sessions < wanted.sessions()) {
      warnings.add(
          new Warning(
              "limits.sessions",
              "is "
                  + wanted.sessions()
                  + ", and "
                  + sessions
                  + " fit into limits.memory, as far as it can be had, and the heap",
              "give Java more memory (-Xmx in ANABRANCH_JAVA_OPTS), or lower it"));
    }
    int connections = connections(configuration);
    if (connections < wanted.connections()) {
      warnings.add(
          new Warning(
              "limits.connections",
              "is "
                  + wanted.connections()
                  + ", and "
                  + connections
                  + " fit into the "
                  + descriptors
                  + " file descriptors that this process may have",
              "raise that (ulimit -n, LimitNOFILE of the service), or lower limits.connections"));
    }
    return new Fitting(
        wanted.within(
            Math.min(sessions, connections),
            connections,
            silentConnections(configuration, connections),
            memory),
        warnings);
  }

  private static long least(int firstBurst) {
    return Math.max(LEAST_MEMORY, 2L * firstBurst);
  }

  /** What the machine has beside the largest heap and the JVM. */
  private long besideHeap() {
    return Math.max(0, machineBytes - heapBytes - JVM_BYTES);
  }

  private long outsideOfHeap() {
    return Math.min(directBytes, besideHeap());
  }

  private long mostMemory() {
    long bytes = outsideOfHeap();
    long pools = Math.clamp(bytes / CHUNK / 6, 1, 2 * processors);
    return (bytes - 2 * CHUNK - pools * CHUNK) / 4 * 3;
  }

  private int connections(Configuration configuration) {
    return (int)
        Math.min(
            configuration.limits().connections(),
            Math.max(LEAST_CONNECTIONS, descriptorsOfPeers(configuration) - LEAST_CONNECTIONS));
  }

  private int silentConnections(Configuration configuration, int connections) {
    long left =
        Math.min(
            descriptorsOfPeers(configuration) - connections,
            heapBytes / 8 / SILENT_CONNECTION_HEAP);
    return (int)
        Math.min(configuration.limits().silentConnections(), Math.max(LEAST_CONNECTIONS, left));
  }

  /** What is left for connections of initiators. */
  private long descriptorsOfPeers(Configuration configuration) {
    long others =
        OTHER_DESCRIPTORS + (long) DESCRIPTORS_PER_VOLUME * configuration.volumes().size();
    return Math.max(descriptors - others, descriptors / 4);
  }

  /** What the protocol layer may take on. */
  public IscsiLimits limits(Configuration configuration) {
    return new IscsiLimits(fit(configuration).limits(), configuration.iscsi());
  }
}
