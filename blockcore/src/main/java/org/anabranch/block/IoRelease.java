// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block;

import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes on with requests that waited together and belong to different owners. What the completion of
 * one throws is logged, and keeps no other from going on.
 */
public final class IoRelease {
  private static final Logger LOG = LoggerFactory.getLogger(IoRelease.class);

  private IoRelease() {}

  /** Gives each request to {@code next}, in their order, with no lock held. */
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
