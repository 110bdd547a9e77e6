// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.server.base.Warning;
import org.anabranch.server.control.Doc;

/** Something that is worse than a user may think. */
public record ProblemEntry(
    @Doc("such as snapshot VOLUME@NAME, volume NAME, device NAME, file PATH, configuration")
        String subject,
    @Doc("what is wrong") String text,
    @Doc("what to do about it") String remedy) {
  static ProblemEntry of(Warning warning) {
    return new ProblemEntry(warning.subject(), warning.text(), warning.remedy());
  }
}
