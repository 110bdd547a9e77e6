// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import org.anabranch.server.control.Doc;

/** Durations of about the same length. */
public record BucketEntry(
    @Doc("the shortest; the next bucket has longer ones, at most 1.25 times as long")
        long fromNanos,
    @Doc("how many") long count) {}
