// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.sim;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One snapshot of a {@link Volume}. */
final class Snap {
  final Cow cow;
  ModelDevice model;

  /** How many of the volume's sectors it is a snapshot of, from the first one on. */
  int length;

  String device;

  /** What it is called in a ring, whatever device it is on. */
  String owner;

  /** P, PO or N: a handover may change it. */
  String type;

  boolean invalid;

  /**
   * It was a snapshot of more sectors once. A merge of its store writes the origin behind its end,
   * as under Linux, so there is none here.
   */
  boolean shortened;

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
    this.owner = device;
    this.model = model;
    this.length = model.sectors();
    this.type = cow.type();
  }

  private Snap(Snap other, ModelDevice model) {
    this.cow = other.cow;
    this.model = model;
    this.length = other.length;
    this.device = other.device;
    this.owner = other.owner;
    this.type = other.type;
    this.invalid = other.invalid;
    this.shortened = other.shortened;
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

  /** It is a snapshot of fewer sectors from now on. Its user has nothing in flight. */
  void shorten(int sectors) {
    length = sectors;
    shortened = true;
    model = model.first(sectors);
    user().redirect(model);
  }

  /** Whether a discard here may discard on the origin, too. */
  boolean passesDown() {
    return cow.passdown() && merged == null;
  }

  private String features() {
    if (passesDown()) {
      return " 2 discard_zeroes_cow discard_passdown_origin";
    } else if (merged == null) {
      return cow.zeroes() ? " 1 discard_zeroes_cow" : "";
    }
    return cow.zeroes() ? " 2 discard_zeroes_cow merged_origin" : " 1 merged_origin";
  }
}
