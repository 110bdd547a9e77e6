// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi.data;

import org.anabranch.scsi.api.Sense;
import org.anabranch.scsi.api.SenseCode;

/** Ends a command with CHECK CONDITION. It has no stack trace, since it is a normal response. */
public final class CheckCondition extends Exception {
  private final Sense sense;

  public CheckCondition(Sense sense) {
    super(sense.code().name(), null, false, false);
    this.sense = sense;
  }

  public CheckCondition(SenseCode code) {
    this(Sense.of(code));
  }

  public Sense sense() {
    return sense;
  }

  /** INVALID FIELD IN CDB, pointing at a byte. */
  public static CheckCondition inCdb(int at) {
    return inCdb(at, -1);
  }

  /** INVALID FIELD IN CDB, pointing at the most significant bit of the field. */
  public static CheckCondition inCdb(int at, int bit) {
    return new CheckCondition(Sense.inCdb(SenseCode.INVALID_FIELD_IN_CDB, at, bit));
  }

  /** INVALID FIELD IN PARAMETER LIST, pointing at a byte. */
  public static CheckCondition inParameters(int at) {
    return inParameters(at, -1);
  }

  /** INVALID FIELD IN PARAMETER LIST, pointing at the most significant bit of the field. */
  public static CheckCondition inParameters(int at, int bit) {
    return new CheckCondition(
        Sense.inParameters(SenseCode.INVALID_FIELD_IN_PARAMETER_LIST, at, bit));
  }
}
