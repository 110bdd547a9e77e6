// SPDX-License-Identifier: Apache-2.0

/**
 * The files of snapshots' COW stores.
 *
 * <pre>
 *   a store of ours: made, checked, deleted      StoreFile
 *   files that belong to no snapshot             StrayStores
 *   a store that Linux made, checked and copied  LinuxStore
 * </pre>
 */
@NullMarked
package org.anabranch.server.stores;

import org.jspecify.annotations.NullMarked;
