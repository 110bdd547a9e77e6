// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.control.Doc;

/** The result of {@code snapshot pause} and {@code snapshot resume}. */
public record MergePaused(
    @Doc("VOLUME@NAME") String name, @Doc("whether its merge is paused now") boolean paused) {}
