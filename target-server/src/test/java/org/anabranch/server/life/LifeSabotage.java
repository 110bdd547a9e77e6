// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

import java.util.function.Function;
import java.util.function.Predicate;
import org.anabranch.server.life.disk.SyncEffect;

/**
 * What is made wrong to see whether the histories notice: syncs that the server makes and that do
 * nothing, as if it did not make them, or that are effective only after the state file has been
 * replaced, as if it made them in another order.
 */
enum LifeSabotage {
  /** The text of the state file is not synced before it gets its name. */
  STATE_TEXT_NOT_SYNCED(path -> path.equals("state/state.json.new"), SyncEffect.NEVER),
  /** It is, but only after it has its name. */
  STATE_TEXT_SYNCED_TOO_LATE(path -> path.equals("state/state.json.new"), SyncEffect.LATER),
  /** The new name of the state file is not synced. */
  STATE_NAME_NOT_SYNCED(path -> path.equals("state"), SyncEffect.NEVER),
  /** What the state file says is durable only at the change after it. */
  STATE_ONE_CHANGE_LATE(path -> path.equals("state"), SyncEffect.LATER),
  /** The names of stores are not synced. */
  STORE_NAME_NOT_SYNCED(path -> path.equals("state/cow"), SyncEffect.NEVER),
  /** A store's name is durable only after the state file says that the snapshot is there. */
  STORE_NAMED_AFTER_THE_STATE(path -> path.equals("state/cow"), SyncEffect.LATER),
  /** What is in stores is not synced. */
  STORE_NOT_SYNCED(path -> path.startsWith("state/cow/"), SyncEffect.NEVER),
  /** What is in a store is durable only after the state file says that the snapshot is there. */
  STORE_SYNCED_AFTER_THE_STATE(path -> path.startsWith("state/cow/"), SyncEffect.LATER),
  /** Volumes are not synced. */
  VOLUME_NOT_SYNCED(path -> path.matches("vm\\d\\.img"), SyncEffect.NEVER),
  /** The images that commands make are not synced. */
  IMAGE_NOT_SYNCED(path -> path.startsWith("state/images/"), SyncEffect.NEVER),
  /** Nor are their names. */
  IMAGE_NAME_NOT_SYNCED(path -> path.equals("state/images"), SyncEffect.NEVER);

  @SuppressWarnings("ImmutableEnumChecker") // none of them captures anything
  private final Predicate<String> which;

  private final SyncEffect effect;

  LifeSabotage(Predicate<String> which, SyncEffect effect) {
    this.which = which;
    this.effect = effect;
  }

  SyncEffect effect(String path) {
    return which.test(path) ? effect : SyncEffect.NOW;
  }

  Function<String, SyncEffect> effects() {
    return this::effect;
  }
}
