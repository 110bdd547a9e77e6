// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.Hooks;
import org.anabranch.server.control.Caller;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a client which hooks it waits for, and keeps those that failed for its answer. When the
 * client goes, the operation goes on: what its hooks began must come to its end. Any thread.
 */
final class HookReport implements Hooks.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(HookReport.class);

  /** Passes one state on. */
  private interface Report {
    void send(String what) throws ClientGoneException;
  }

  private final Report report;
  private final List<String> failures = new ArrayList<>(); // guarded by this

  private HookReport(Report report) {
    this.report = report;
  }

  /**
   * Reports to a client.
   *
   * @param step what the client is sent for a hook
   */
  static <P> HookReport to(Caller<P> caller, Function<String, P> step) {
    return new HookReport(what -> caller.report(step.apply(what)));
  }

  @Override
  public synchronized void runs(String what) {
    try {
      report.send(what);
    } catch (ClientGoneException e) {
      LOG.debug("nobody waits for {} any more", what, e);
    }
  }

  @Override
  public synchronized void failed(String what) {
    failures.add(what);
  }

  /** Those that failed; null: none. */
  synchronized @Nullable List<String> failures() {
    return failures.isEmpty() ? null : List.copyOf(failures);
  }
}
