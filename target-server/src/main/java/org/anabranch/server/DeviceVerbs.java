// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TargetType;
import org.anabranch.server.control.Arguments;
import org.anabranch.server.control.Verb;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;

/**
 * {@code anabranch dm}: the verbs of dmsetup, with its words and its output. The request has the
 * command's words, and a table where one was given; the result has the text to print.
 */
final class DeviceVerbs implements Verb {
  private static final String NO_DEVICES = "No devices found\n";

  private final Storage storage;
  private final DeviceMapper mapper;

  DeviceVerbs(Storage storage) {
    this.storage = storage;
    this.mapper = storage.mapper();
  }

  @Override
  public Map<String, ?> run(Arguments arguments, Progress progress) throws RefusedException {
    List<String> words = new ArrayList<>(arguments.texts("words"));
    if (words.isEmpty()) {
      throw new RefusedException("dm: a verb is missing");
    }
    String verb = words.removeFirst();
    boolean noflush = words.remove("--noflush");
    try {
      return Map.of("text", run(verb, words, noflush, arguments.optionalText("table")));
    } catch (TableException e) {
      throw new RefusedException(
          "dm " + verb + (words.isEmpty() ? "" : " " + words.getFirst()) + ": " + e.getMessage(),
          e);
    }
  }

  private String run(String verb, List<String> words, boolean noflush, @Nullable String table)
      throws RefusedException, TableException {
    return switch (verb) {
      case "ls" -> ls();
      case "targets" -> targets();
      case "table" -> each(words, mapper::table);
      case "status" -> each(words, mapper::status);
      case "info" -> info(words);
      case "create" -> create(name(verb, words), table);
      case "load", "reload" -> {
        if (table == null) {
          throw new RefusedException("dm " + verb + ": a table is missing");
        }
        yield done(verb, mapper.load(name(verb, words), table));
      }
      case "clear" -> done(verb, mapper.clear(name(verb, words)));
      case "suspend" -> done(verb, mapper.suspend(name(verb, words), noflush));
      case "resume" -> done(verb, mapper.resume(name(verb, words)));
      case "remove" -> remove(name(verb, words));
      case "wait" -> await(words);
      case "message" -> message(words);
      default ->
          throw new RefusedException(
              "dm: no verb "
                  + verb
                  + "; there are ls, create, load, clear, suspend, resume, remove, table, status,"
                  + " info, targets, wait, message");
    };
  }

  private static String name(String verb, List<String> words) throws RefusedException {
    if (words.size() != 1) {
      throw new RefusedException("dm " + verb + ": one device name is needed");
    }
    return words.getFirst();
  }

  private static String done(String verb, CompletionStage<@Nullable Void> stage)
      throws RefusedException {
    Stages.<@Nullable Void>await("dm " + verb, stage);
    return "";
  }

  private String ls() {
    List<String> names = mapper.ls();
    return names.isEmpty() ? NO_DEVICES : String.join("\n", names) + "\n";
  }

  private String targets() {
    StringBuilder text = new StringBuilder();
    for (TargetType type : mapper.targets()) {
      text.append(String.format("%-16s %s%n", type.name(), type.version()));
    }
    return text.toString();
  }

  private interface Lines {
    String of(String device) throws TableException;
  }

  /** One device's lines, or every device's with its name in front. */
  private String each(List<String> words, Lines lines) throws TableException {
    if (!words.isEmpty()) {
      StringBuilder text = new StringBuilder();
      for (String name : words) {
        String prefix = words.size() == 1 ? "" : name + ": ";
        lines.of(name).lines().forEach(line -> text.append(prefix).append(line).append('\n'));
      }
      return text.toString();
    }
    StringBuilder text = new StringBuilder();
    for (String name : mapper.ls()) {
      String found = lines.of(name);
      if (found.isEmpty()) {
        text.append(name).append(": \n");
      }
      found.lines().forEach(line -> text.append(name).append(": ").append(line).append('\n'));
    }
    return text.isEmpty() ? NO_DEVICES : text.toString();
  }

  private String info(List<String> words) throws TableException {
    List<String> texts = new ArrayList<>();
    for (String name : words.isEmpty() ? mapper.ls() : words) {
      texts.add(mapper.info(name).text());
    }
    return texts.isEmpty() ? NO_DEVICES : String.join("\n", texts);
  }

  private String create(String name, @Nullable String table) throws RefusedException {
    if (table == null) {
      Stages.await("dm create", mapper.create(name));
      storage.adopt(name);
    } else {
      storage.create("dm create", name, table);
    }
    return "";
  }

  private String remove(String name) throws RefusedException {
    if (!storage.has(name)) {
      throw new RefusedException("dm remove " + name + ": No such device or address");
    }
    storage.remove(name);
    return "";
  }

  /** Waits for as long as it takes. */
  private String await(List<String> words) throws RefusedException, TableException {
    if (words.isEmpty() || words.size() > 2) {
      throw new RefusedException("dm wait: a device name and an event number at most");
    }
    String name = words.getFirst();
    long seen = mapper.info(name).eventNumber();
    if (words.size() == 2) {
      seen = number(words.get(1));
    }
    try {
      return mapper.await(name, seen).toCompletableFuture().join() + "\n";
    } catch (CompletionException e) {
      throw new RefusedException("dm wait " + name + ": " + e.getCause(), e);
    }
  }

  private String message(List<String> words) throws RefusedException {
    if (words.size() < 3) {
      throw new RefusedException("dm message: a device name, a sector and a message are needed");
    }
    String reply =
        Stages.await(
            "dm message",
            mapper.message(words.get(0), number(words.get(1)), words.subList(2, words.size())));
    return reply.isEmpty() ? "" : reply + "\n";
  }

  private static long number(String word) throws RefusedException {
    try {
      return Long.parseUnsignedLong(word);
    } catch (NumberFormatException e) {
      throw new RefusedException("dm: not a number: " + word, e);
    }
  }
}
