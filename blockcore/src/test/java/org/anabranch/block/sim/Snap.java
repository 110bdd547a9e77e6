// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One snapshot of a {@link Volume}. */
final class Snap {
  final Cow cow;
  final ModelDevice model;

  /** How many of the volume's sectors it is a snapshot of, from the first one on. */
  final int length;

  String device;

  /** P, PO or N: a handover may change it. */
  String type;

  boolean invalid;

  /**
   * The store that is merged into the volume, as long as that has to do with what this one reads.
   */
  @Nullable Cow merged;

  /** The same, and after the end of the merge. */
  @Nullable Cow wasMerged;

  /** A disk had failed when the power was cut: it may have become invalid since one last looked. */
  boolean doubtful;

  /** Its user, while it has one. */
  @Nullable Client client;

  Snap(String device, Cow cow, ModelDevice model) {
    this.device = device;
    this.cow = cow;
    this.model = model;
    this.length = model.sectors();
    this.type = cow.type();
  }

  private Snap(Snap other, ModelDevice model) {
    this.cow = other.cow;
    this.model = model;
    this.length = other.length;
    this.device = other.device;
    this.type = other.type;
    this.invalid = other.invalid;
    this.doubtful = other.doubtful;
    this.merged = other.merged;
    this.wasMerged = other.wasMerged;
  }

  Snap with(ModelDevice other) {
    return new Snap(this, other);
  }

  Client user() {
    return Objects.requireNonNull(client);
  }

  String table() {
    return "0 " + length + " snapshot " + arguments();
  }

  /** It begins to follow the merge of a store. */
  Snap following(Cow store) {
    merged = store;
    wasMerged = store;
    return this;
  }

  /** What its rows say behind the target's name. */
  String arguments() {
    return Volume.DISK + " " + cow.disk() + " " + type + " " + cow.chunk() + features();
  }

  private String features() {
    if (merged == null) {
      return cow.zeroes() ? " 1 discard_zeroes_cow" : "";
    }
    return cow.zeroes() ? " 2 discard_zeroes_cow merged_origin" : " 1 merged_origin";
  }
}
