// SPDX-License-Identifier: Apache-2.0

/**
 * Snapshots as users make, merge and remove them at run time.
 *
 * <pre>
 *   what verbs ask for                      Snapshots
 *   the steps of a creation, a removal      SnapshotCreation, SnapshotPlans, SnapshotRemoval
 *   names and descriptions                  SnapshotNames
 *   snapshots at a start                    SnapshotRestore
 *   snapshots that Linux made               Adoption
 *   volumes that imports write to           Receptions
 *   what is wrong with one                  SnapshotWarnings
 *   the snapshots that there are            package device
 *   rollbacks                               package merge
 * </pre>
 */
@NullMarked
package org.anabranch.server.snapshots;

import org.jspecify.annotations.NullMarked;
