// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

import java.util.Collection;

/**
 * The logical units that EXTENDED COPY may name: those that the initiator could read and write
 * itself.
 */
@FunctionalInterface
public interface CopyTargets {
  /** The units that the nexus sees at its own target. */
  CopyTargets SAME_TARGET = nexus -> nexus.view().units().values();

  /** Any thread; must not block. */
  Collection<LogicalUnit> of(Nexus nexus);
}
