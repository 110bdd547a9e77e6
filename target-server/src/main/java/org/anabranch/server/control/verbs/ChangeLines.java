// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.List;
import org.anabranch.server.control.Doc;

/** What a change of the configuration, or of what is left out, came to. */
public record ChangeLines(@Doc("a line for each change") List<String> changes) {}
