// SPDX-License-Identifier: Apache-2.0
package org.anabranch.iscsi.session;

import org.anabranch.iscsi.login.LoginTerms;
import org.anabranch.iscsi.shares.DataMemory;

/** What the sessions of a server share, and its terms for them. Any thread. */
public interface SessionTerms extends LoginTerms {
  /** Places of a command window at login, and the least that it is narrowed to. */
  int PLACES = 16;

  /** For what the first commands of each session may bring unasked. */
  DataMemory firstPlaceMemory();

  /** For what more commands may bring unasked: FirstBurstLength for each that is in flight. */
  DataMemory placeMemory();

  /** For what commands need beyond their places. */
  DataMemory memory();

  /** Hears of the sessions. */
  SessionEvents events();

  /** Answers SendTargets. */
  Discovery sendTargets();
}
