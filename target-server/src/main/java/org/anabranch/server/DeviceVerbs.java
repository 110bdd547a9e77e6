// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TargetType;
import org.anabranch.config.Configuration;
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

  /** How often it is looked whether a client that waits is there still. */
  private static final long CLIENT_MILLIS = 250;

  private final MadeDevices made;
  private final Supplier<Configuration> configuration;
  private final DeviceMapper mapper;

  /**
   * @param configuration the one that is served now
   */
  DeviceVerbs(Storage storage, MadeDevices made, Supplier<Configuration> configuration) {
    this.made = made;
    this.configuration = configuration;
    this.mapper = storage.mapper();
  }

  @Override
  public Map<String, ?> run(Arguments arguments, Progress progress)
      throws RefusedException, ClientGoneException {
    List<String> words = new ArrayList<>(arguments.texts("words"));
    if (words.isEmpty()) {
      throw new RefusedException("dm: a verb is missing");
    }
    String verb = words.removeFirst();
    try {
      return Map.of(
          "text",
          verb.equals("wait")
              ? await(words, Options.taken(words), progress)
              : run(verb, words, Options.taken(words), arguments.optionalText("table")));
    } catch (TableException e) {
      throw new RefusedException(
          "dm " + verb + (words.isEmpty() ? "" : " " + words.getFirst()) + ": " + e.getMessage(),
          e);
    }
  }

  /**
   * dmsetup's options.
   *
   * @param target only lines of this target type; null for all
   */
  private record Options(
      boolean noflush, boolean inactive, boolean verbose, @Nullable String target) {
    static Options taken(List<String> words) throws RefusedException {
      String target = null;
      int at = words.indexOf("--target");
      if (at >= 0) {
        if (at + 1 == words.size()) {
          throw new RefusedException("dm: --target: a type is missing");
        }
        words.remove(at);
        target = words.remove(at);
      }
      return new Options(
          words.remove("--noflush"), words.remove("--inactive"), words.remove("-v"), target);
    }
  }

  private String run(String verb, List<String> words, Options options, @Nullable String table)
      throws RefusedException, TableException {
    return switch (verb) {
      case "ls" -> ls(options);
      case "targets" -> targets();
      case "table" ->
          each(words, options, options.inactive ? mapper::inactiveTable : mapper::table);
      case "status" -> each(words, options, mapper::status);
      case "info" -> info(words);
      case "create" -> create(name(verb, words), table);
      case "load", "reload" -> {
        if (table == null) {
          throw new RefusedException("dm " + verb + ": a table is missing");
        }
        yield done(verb, mapper.load(name(verb, words), table));
      }
      case "clear" -> done(verb, mapper.clear(name(verb, words)));
      case "suspend" -> done(verb, mapper.suspend(name(verb, words), options.noflush));
      case "resume" -> resume(name(verb, words));
      case "rename" -> rename(words);
      case "remove" -> remove(name(verb, words));
      case "message" -> message(words);
      default ->
          throw new RefusedException(
              "dm: no verb "
                  + verb
                  + "; there are ls, create, load, clear, suspend, resume, rename, remove, table,"
                  + " status, info, targets, wait, message");
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

  private String ls(Options options) throws TableException {
    List<String> names = new ArrayList<>();
    for (String name : mapper.ls()) {
      if (options.target == null || !only(mapper.table(name), options).isEmpty()) {
        names.add(name);
      }
    }
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
  private String each(List<String> words, Options options, Lines lines) throws TableException {
    if (!words.isEmpty()) {
      StringBuilder text = new StringBuilder();
      for (String name : words) {
        String prefix = words.size() == 1 ? "" : name + ": ";
        only(lines.of(name), options)
            .forEach(line -> text.append(prefix).append(line).append('\n'));
      }
      return text.toString();
    }
    StringBuilder text = new StringBuilder();
    for (String name : mapper.ls()) {
      List<String> found = only(lines.of(name), options);
      if (found.isEmpty() && options.target == null) {
        text.append(name).append(": \n");
      }
      found.forEach(line -> text.append(name).append(": ").append(line).append('\n'));
    }
    return text.isEmpty() ? NO_DEVICES : text.toString();
  }

  private static List<String> only(String lines, Options options) {
    return lines
        .lines()
        .filter(line -> options.target == null || line.split(" ", 4)[2].equals(options.target))
        .toList();
  }

  private String info(List<String> words) throws TableException {
    List<String> texts = new ArrayList<>();
    for (String name : words.isEmpty() ? mapper.ls() : words) {
      texts.add(mapper.info(name).text());
    }
    return texts.isEmpty() ? NO_DEVICES : String.join("\n", texts);
  }

  private String create(String name, @Nullable String table) throws RefusedException {
    made.create(name, table == null ? "" : table, configuration.get());
    return "";
  }

  private String remove(String name) throws RefusedException, TableException {
    mapper.info(name); // refuses where there is none
    made.remove(name, configuration.get());
    return "";
  }

  private String resume(String name) throws RefusedException {
    done("resume " + name, mapper.resume(name));
    made.resumed(name);
    return "";
  }

  private String rename(List<String> words) throws RefusedException, TableException {
    if (words.size() != 2) {
      throw new RefusedException("dm rename: a device name and a new one are needed");
    }
    mapper.info(words.getFirst());
    made.rename(words.getFirst(), words.getLast(), configuration.get());
    return "";
  }

  /**
   * Waits until the event number exceeds the given one, which is 0 when none is, for as long as it
   * takes and the client is there. Says nothing, or with {@code -v} what {@code info} does.
   */
  private String await(List<String> words, Options options, Progress progress)
      throws RefusedException, TableException, ClientGoneException {
    if (words.isEmpty() || words.size() > 2) {
      throw new RefusedException("dm wait: a device name and an event number at most");
    }
    String name = words.getFirst();
    long seen = words.size() == 2 ? number(words.get(1)) : 0;
    CompletableFuture<Long> event = mapper.await(name, seen).toCompletableFuture();
    try {
      while (!isDone(event)) {
        progress.report(Map.of("state", "waiting"));
      }
      return options.verbose ? mapper.info(name).text() : "";
    } catch (ExecutionException e) {
      throw new RefusedException("dm wait " + name + ": " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException("dm wait " + name + ": interrupted", e);
    } finally {
      event.cancel(false);
    }
  }

  private static boolean isDone(CompletableFuture<Long> event)
      throws ExecutionException, InterruptedException {
    try {
      event.get(CLIENT_MILLIS, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
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
