// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.List;
import org.anabranch.server.control.Doc;

/** The arguments of the verbs that change several devices. */
public record Names(@Doc("of devices; stops at the first that refuses") List<String> names) {}
