// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.snapshots;

import org.anabranch.server.control.Doc;

/** A hook that is waited for. */
public record HookStep(@Doc("what runs, or is waited for, in words") String hook) {}
