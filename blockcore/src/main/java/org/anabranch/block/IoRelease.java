// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Resumes requests that waited together but belong to different owners. An exception thrown by one
 * completion is logged and does not stop the others.
 */
public final class IoRelease {
  private static final Logger LOG = LoggerFactory.getLogger(IoRelease.class);

  private IoRelease() {}

  /** Passes each request to {@code next}, in order, with no lock held. */
  public static void each(List<Io> waiting, Consumer<Io> next) {
    for (Io io : waiting) {
      try {
        next.accept(io);
      } catch (RuntimeException e) {
        LOG.error("{}: its completion failed", io, e);
      }
    }
  }
}
