// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.http;

import com.sun.management.UnixOperatingSystemMXBean;
import io.prometheus.metrics.model.snapshots.Labels;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;

/** The process and its Java machine, by the names that Prometheus's clients give them. */
final class ProcessMetrics {
  private ProcessMetrics() {}

  static void add(Families families) {
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix) {
      families.gauge(
          "process_open_fds",
          "Open file descriptors",
          Labels.EMPTY,
          (double) unix.getOpenFileDescriptorCount());
      families.gauge(
          "process_max_fds",
          "The most file descriptors that may be open",
          Labels.EMPTY,
          (double) unix.getMaxFileDescriptorCount());
      families.counter(
          "process_cpu_seconds", "Processor time", Labels.EMPTY, unix.getProcessCpuTime() / 1e9);
    }
    families.gauge(
        "process_start_time_seconds",
        "When the process began, as a Unix time",
        Labels.EMPTY,
        ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3);
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    families.gauge(
        "jvm_memory_used_bytes",
        "Memory in use",
        Labels.of("area", "heap"),
        (double) memory.getHeapMemoryUsage().getUsed());
    families.gauge(
        "jvm_memory_used_bytes",
        "Memory in use",
        Labels.of("area", "nonheap"),
        (double) memory.getNonHeapMemoryUsage().getUsed());
    families.gauge(
        "jvm_memory_max_bytes",
        "The most memory that may be in use",
        Labels.of("area", "heap"),
        (double) memory.getHeapMemoryUsage().getMax());
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      families.gauge(
          "jvm_buffer_pool_used_bytes",
          "Memory of buffers outside the heap",
          Labels.of("pool", pool.getName()),
          (double) pool.getMemoryUsed());
    }
    families.gauge(
        "jvm_threads_current",
        "Threads",
        Labels.EMPTY,
        ManagementFactory.getThreadMXBean().getThreadCount());
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      Labels labels = Labels.of("gc", collector.getName());
      families.counter(
          "jvm_gc_collections",
          "Garbage collections",
          labels,
          (double) collector.getCollectionCount());
      families.counter(
          "jvm_gc_collection_seconds",
          "Time spent in them",
          labels,
          collector.getCollectionTime() / 1e3);
    }
  }
}
