// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.block.count.Counter;
import org.anabranch.server.control.Doc;
import org.anabranch.server.stats.Subject;

/** A counter. */
public record CounterEntry(
    @Doc("what counts: server, session, unit (a LUN's logical unit), device, file") Subject.Kind of,
    @Doc("which one: a session's id, a device's name, a file's path; empty for the server")
        String name,
    @Doc(
            "the part that counts: io, device, file, snapshot, origin, merge, store, cache, unit,"
                + " session, connection, login, login-refusals")
        String layer,
    @Doc("such as reads or read-bytes") String counter,
    @Doc("since what counts began; never less than before") long value,
    @Doc("the counter in words") String words) {
  static CounterEntry of(Subject subject, Counter counter, long value) {
    return new CounterEntry(
        subject.kind(), subject.name(), counter.layer(), counter.key(), value, counter.words());
  }
}
