// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.snapshot.group;

/** Why a snapshot becomes invalid. Its text is the log's: Linux's words, and what they mean. */
enum Invalidation {
  STORE_FULL(
      "Unable to allocate exception.", "its store is full; the volume it was taken of is intact"),
  STORE_FAILED(
      "Error reading/writing.",
      "its store could not be read or written; the volume it was taken of is intact"),
  MERGE_LOST(
      "Merge invalid.",
      "the merge that its origin is read through is invalid; the volume is rolled back in part");

  private final String text;

  Invalidation(String linux, String reason) {
    text = "Invalidating snapshot: %s The snapshot is lost, since %s".formatted(linux, reason);
  }

  @Override
  public String toString() {
    return text;
  }
}
