// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.stores;

import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.DurableSteps;

/**
 * Where the stores of a volume's snapshots are: files of this machine, or images that other servers
 * of the volume reach, too. A store is named by its address, as tables have it. Calls may wait.
 */
interface StorePlace {
  /** Whether there is anything at an address. */
  boolean isThere(String store) throws RefusedException;

  /** How long a store is, bytes. */
  long bytes(String store) throws RefusedException;

  /** See {@link StoreFile#refuseUnlessStore}. */
  void refuseUnlessStore(String store, int chunkSectors) throws RefusedException;

  /** See {@link StoreFile#make}. */
  long make(String store, long wanted, long least, DurableSteps steps) throws RefusedException;

  /** Deletes a store that nothing has open, durably; nothing happens when there is none. */
  void delete(String store, DurableSteps steps) throws RefusedException;

  /** How many bytes are left for stores; {@link Long#MAX_VALUE} where no bound is known. */
  long free() throws RefusedException;

  /** The place in words. */
  String words();
}
