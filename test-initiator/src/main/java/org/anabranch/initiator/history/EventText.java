// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator.history;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The words of {@link Event} lines. */
final class EventText {
  private EventText() {}

  /** Values as runs: {@code 3.17x8 0x2}; a run of one has no count. */
  static String runs(List<Long> values) {
    StringBuilder text = new StringBuilder();
    for (int at = 0; at < values.size(); ) {
      int end = at + 1;
      while (end < values.size() && values.get(end).equals(values.get(at))) {
        end++;
      }
      text.append(' ').append(OperationId.text(values.get(at)));
      if (end - at > 1) {
        text.append('x').append(end - at);
      }
      at = end;
    }
    return text.toString();
  }

  static String pairs(Map<String, String> pairs) {
    StringBuilder text = new StringBuilder();
    pairs.forEach((to, from) -> text.append(' ').append(to).append('=').append(from));
    return text.toString();
  }

  static Event parse(String line) {
    String[] words = line.split(" ", -1);
    try {
      return switch (words[0]) {
        case "note" -> new Event.Note(line.substring("note ".length()));
        case "disk" -> new Event.NewDisk(words[1], number(words[2]));
        case "grown" -> new Event.Grown(words[1], number(words[2]));
        case "removed" -> new Event.Removed(words[1]);
        case "write" ->
            new Event.Write(
                id(words), words[2], number(words[3]), number(words[4]), line.endsWith(" fua"));
        case "read" -> new Event.Read(id(words), words[2], number(words[3]), number(words[4]));
        case "flush" -> new Event.Flush(id(words), words[2]);
        case "saw" -> saw(line);
        case "copy" -> new Event.Copy(id(words), pairs(words));
        case "rollback" -> new Event.Rollback(id(words), pairs(words));
        case "done" -> new Event.Done(id(words));
        case "failed" -> new Event.Failed(id(words));
        case "refused" -> new Event.Refused(id(words));
        case "killed" -> new Event.Killed();
        case "power-cut" -> new Event.PowerCut();
        default -> throw new IllegalArgumentException("no event");
      };
    } catch (RuntimeException e) {
      throw new IllegalArgumentException("not an event: " + line, e);
    }
  }

  private static int number(String word) {
    return Integer.parseInt(word);
  }

  private static long id(String[] words) {
    return OperationId.parse(words[1]);
  }

  private static Event saw(String line) {
    int mark = line.indexOf(" ! ");
    String damage = mark < 0 ? "" : line.substring(mark + 3);
    String[] words = (mark < 0 ? line : line.substring(0, mark)).split(" ", -1);
    List<Long> values = new ArrayList<>();
    for (int i = 2; i < words.length; i++) {
      int times = words[i].indexOf('x');
      long value = OperationId.parse(times < 0 ? words[i] : words[i].substring(0, times));
      values.addAll(
          Collections.nCopies(times < 0 ? 1 : number(words[i].substring(times + 1)), value));
    }
    return new Event.Saw(id(words), values, damage);
  }

  private static Map<String, String> pairs(String[] words) {
    Map<String, String> pairs = new LinkedHashMap<>();
    for (int i = 2; i < words.length; i++) {
      int equals = words[i].indexOf('=');
      pairs.put(words[i].substring(0, equals), words[i].substring(equals + 1));
    }
    return pairs;
  }
}
