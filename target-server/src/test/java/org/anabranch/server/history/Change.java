// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.history;

import java.util.List;

/** What a control command changes, and a kill may break off. */
enum Change {
  CREATE,
  CREATE_GROUP,
  REMOVE,
  MERGE,
  MERGE_GROUP,
  MERGE_KEEP,
  MERGE_QUEUED,
  GROW,
  COPY,
  IMPORT,
  REMOVE_COPY;

  static final List<Change> ALL = List.of(values());
}
