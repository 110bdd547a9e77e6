// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import org.anabranch.iscsi.login.LoginTerms;
import org.anabranch.iscsi.shares.DataMemory;

/** What the sessions of a server share, and its terms for them. Any thread. */
public interface SessionTerms extends LoginTerms {
  /** Places of a command window while there is memory for them, and the least it is narrowed to. */
  int PLACES = 16;

  /** For what commands may bring unasked: FirstBurstLength for each place in a command window. */
  DataMemory placeMemory();

  /** For what commands need beyond their places. */
  DataMemory memory();

  /** Hears of the sessions. */
  SessionEvents events();

  /** Answers SendTargets. */
  Discovery sendTargets();
}
