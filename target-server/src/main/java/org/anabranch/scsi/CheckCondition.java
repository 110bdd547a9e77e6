// SPDX-License-Identifier: Apache-2.0
package org.anabranch.scsi;

/** Ends a command with CHECK CONDITION. Carries no stack trace: it is an answer, not a fault. */
final class CheckCondition extends Exception {
  private final Sense sense;

  CheckCondition(Sense sense) {
    super(sense.code().name(), null, false, false);
    this.sense = sense;
  }

  CheckCondition(SenseCode code) {
    this(Sense.of(code));
  }

  Sense sense() {
    return sense;
  }

  /** INVALID FIELD IN CDB, pointing at a byte. */
  static CheckCondition inCdb(int at) {
    return inCdb(at, -1);
  }

  /** INVALID FIELD IN CDB, pointing at the most significant bit of the field. */
  static CheckCondition inCdb(int at, int bit) {
    return new CheckCondition(Sense.inCdb(SenseCode.INVALID_FIELD_IN_CDB, at, bit));
  }

  /** INVALID FIELD IN PARAMETER LIST, pointing at a byte. */
  static CheckCondition inParameters(int at) {
    return inParameters(at, -1);
  }

  /** INVALID FIELD IN PARAMETER LIST, pointing at the most significant bit of the field. */
  static CheckCondition inParameters(int at, int bit) {
    return new CheckCondition(
        Sense.inParameters(SenseCode.INVALID_FIELD_IN_PARAMETER_LIST, at, bit));
  }
}
