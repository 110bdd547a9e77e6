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

  /** What its rows say behind the target's name. */
  String arguments() {
    return Volume.DISK
        + " "
        + cow.disk()
        + " "
        + type
        + " "
        + cow.chunk()
        + (cow.zeroes() ? " 1 discard_zeroes_cow" : "");
  }
}
