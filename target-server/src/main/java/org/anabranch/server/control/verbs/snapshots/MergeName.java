// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.control.Doc;

/** The arguments of {@code snapshot pause} and {@code snapshot resume}. */
public record MergeName(@Doc("VOLUME@NAME") String name) {}
