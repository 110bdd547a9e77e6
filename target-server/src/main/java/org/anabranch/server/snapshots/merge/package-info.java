// SPDX-License-Identifier: Apache-2.0
/**
 * Merges: rollbacks of volumes to their snapshots.
 *
 * <pre>
 *   what is asked for                       MergeRequest
 *   which merge is next, and how it begins  Merges, MergeOrder, MergeStart
 *   merges that run                         RunningMerges, MergeWatch, MergeStatus
 *   merges that wait                        MergeWait; MergesAtLogin and NextLogins for a login
 *   hooks of merges that begin later        MergeHooks
 * </pre>
 */
@NullMarked
package org.anabranch.server.snapshots.merge;

import org.jspecify.annotations.NullMarked;
