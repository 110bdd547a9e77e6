// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One line of a history's log. What begins is logged before it is sent, and its end after the
 * answer has come; so in the order of the lines two operations overlap if they did so in time.
 * Blocks are counted from the start of the disk; ids are those of {@link OperationId#value}.
 */
public sealed interface Event {
  /** What this history is, in words. */
  record Note(String text) implements Event {}

  /** There is a new disk, which reads as zeros. */
  record NewDisk(String disk, int blocks) implements Event {}

  /** The disk has that many blocks now; the new ones read as zeros. */
  record Grown(String disk, int blocks) implements Event {}

  /** The disk is not read or written any more. */
  record Removed(String disk) implements Event {}

  record Write(long id, String disk, int first, int count, boolean fua) implements Event {}

  record Read(long id, String disk, int first, int count) implements Event {}

  /** Everything that ended before is to be durable when this has ended. */
  record Flush(long id, String disk) implements Event {}

  /**
   * What a read found.
   *
   * @param values of each block
   * @param damage what a block was that no write left, in words; empty if there is none
   */
  record Saw(long id, List<Long> values, String damage) implements Event {}

  /**
   * New disks get what others have, all at one instant: snapshots, or copies.
   *
   * @param from by the names of the new disks
   */
  record Copy(long id, Map<String, String> from) implements Event {}

  /**
   * Disks get what their snapshots have, all at one instant.
   *
   * @param to snapshots by the names of their volumes
   */
  record Rollback(long id, Map<String, String> to) implements Event {}

  /** The operation ended well. */
  record Done(long id) implements Event {}

  /** A write, read or flush may have happened in whole or in part, but will not happen any more. */
  record Failed(long id) implements Event {}

  /** A copy or rollback has not happened and never will. */
  record Refused(long id) implements Event {}

  /**
   * The server's process was killed and is gone. What was answered is there still, and what was not
   * will not happen any more; but a rollback may still begin after the next start.
   */
  record Killed() implements Event {}

  /** The same, and the disks of the server's machine lost what was not synced. */
  record PowerCut() implements Event {}

  /** The line of the log, without its end. */
  default String line() {
    return switch (this) {
      case Note e -> "note " + e.text.replaceAll("\\s+", " ");
      case NewDisk e -> "disk " + e.disk + " " + e.blocks;
      case Grown e -> "grown " + e.disk + " " + e.blocks;
      case Removed e -> "removed " + e.disk;
      case Write e ->
          "write "
              + id(e.id)
              + " "
              + e.disk
              + " "
              + e.first
              + " "
              + e.count
              + (e.fua ? " fua" : "");
      case Read e -> "read " + id(e.id) + " " + e.disk + " " + e.first + " " + e.count;
      case Flush e -> "flush " + id(e.id) + " " + e.disk;
      case Saw e ->
          "saw "
              + id(e.id)
              + EventText.runs(e.values)
              + (e.damage.isEmpty() ? "" : " ! " + e.damage);
      case Copy e -> "copy " + id(e.id) + EventText.pairs(e.from);
      case Rollback e -> "rollback " + id(e.id) + EventText.pairs(e.to);
      case Done e -> "done " + id(e.id);
      case Failed e -> "failed " + id(e.id);
      case Refused e -> "refused " + id(e.id);
      case Killed _ -> "killed";
      case PowerCut _ -> "power-cut";
    };
  }

  private static String id(long id) {
    return OperationId.text(id);
  }

  /**
   * Parses a line.
   *
   * @throws IllegalArgumentException if it is not one
   */
  static Event parse(String line) {
    return EventText.parse(line);
  }

  /** Several lines, such as those of a test. */
  static List<Event> parseAll(String lines) {
    List<Event> events = new ArrayList<>();
    lines.lines().map(String::strip).filter(l -> !l.isEmpty()).forEach(l -> events.add(parse(l)));
    return events;
  }
}
