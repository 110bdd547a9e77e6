// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.anabranch.block.dm.DeviceInfo;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.block.dm.TableException;
import org.anabranch.block.dm.TargetType;
import org.anabranch.config.Configuration;
import org.anabranch.server.admin.MadeDevices;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Arguments;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.anabranch.server.storage.Stages;
import org.anabranch.server.storage.Storage;
import org.jspecify.annotations.Nullable;

/**
 * {@code anabranch dm}: the verbs of dmsetup, with its words and its output. The request has the
 * command's words, and a table where one was given; the result has the text that dmsetup would
 * print, and the same as JSON. Verbs that take several devices stop at the first that refuses.
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

  /** Who waits for an event may wait for ever. */
  @Override
  public Place place(Arguments arguments) throws RefusedException {
    List<String> words = arguments.texts("words");
    return !words.isEmpty() && words.getFirst().equals("wait") ? Place.WAITING : Place.COMMAND;
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
      return verb.equals("wait")
          ? awaitEvent(words, Options.taken(words), progress)
          : run(verb, words, Options.taken(words), arguments.optionalText("table"));
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

  private Map<String, ?> run(
      String verb, List<String> words, Options options, @Nullable String table)
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
        await("dm " + verb, mapper.load(name(verb, words), table));
        yield done(words);
      }
      case "clear" -> every(verb, words, name -> await("dm clear " + name, mapper.clear(name)));
      case "suspend" ->
          every(
              verb,
              words,
              name -> await("dm suspend " + name, mapper.suspend(name, options.noflush)));
      case "resume" -> every(verb, words, this::resume);
      case "rename" -> rename(words);
      case "remove" -> every(verb, words, this::remove);
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

  private static void await(String what, CompletionStage<@Nullable Void> stage)
      throws RefusedException {
    Stages.<@Nullable Void>await(what, stage);
  }

  /** What is done to a device. */
  private interface Deed {
    void to(String device) throws RefusedException, TableException;
  }

  private static Map<String, ?> every(String verb, List<String> names, Deed deed)
      throws RefusedException, TableException {
    if (names.isEmpty()) {
      throw new RefusedException("dm " + verb + ": a device name is needed");
    }
    for (String name : names) {
      deed.to(name);
    }
    return done(names);
  }

  private static Map<String, ?> done(List<String> names) {
    return Map.of("text", "", "done", List.copyOf(names));
  }

  private Map<String, ?> ls(Options options) throws TableException {
    StringBuilder text = new StringBuilder();
    List<Map<String, ?>> devices = new ArrayList<>();
    for (String name : mapper.ls()) {
      if (options.target == null || !only(mapper.table(name), options).isEmpty()) {
        int minor = mapper.info(name).minor();
        text.append(name + "\t(" + DeviceInfo.MAJOR + ":" + minor + ")\n");
        devices.add(Map.of("name", name, "major", DeviceInfo.MAJOR, "minor", minor));
      }
    }
    return Map.of("text", text.isEmpty() ? NO_DEVICES : text.toString(), "devices", devices);
  }

  private Map<String, ?> targets() {
    StringBuilder text = new StringBuilder();
    List<Map<String, ?>> targets = new ArrayList<>();
    for (TargetType type : mapper.targets()) {
      text.append(String.format("%-16s %s%n", type.name(), type.version()));
      targets.add(Map.of("name", type.name(), "version", type.version()));
    }
    return Map.of("text", text.toString(), "targets", targets);
  }

  private interface Lines {
    String of(String device) throws TableException;
  }

  /** One device's lines, or those of several, or of all, with the name in front. */
  private Map<String, ?> each(List<String> words, Options options, Lines lines)
      throws TableException {
    StringBuilder text = new StringBuilder();
    List<Map<String, ?>> devices = new ArrayList<>();
    for (String name : words.isEmpty() ? mapper.ls() : words) {
      List<String> found = only(lines.of(name), options);
      if (options.target != null && found.isEmpty()) {
        continue;
      }
      String prefix = words.size() == 1 ? "" : name + ": ";
      if (words.isEmpty() && found.isEmpty()) {
        text.append(prefix).append('\n');
      }
      found.forEach(line -> text.append(prefix).append(line).append('\n'));
      devices.add(Map.of("name", name, "targets", found.stream().map(DeviceVerbs::row).toList()));
    }
    boolean none = words.isEmpty() && text.isEmpty();
    return Map.of("text", none ? NO_DEVICES : text.toString(), "devices", devices);
  }

  /** A line of a table or of a status. */
  private static Map<String, ?> row(String line) {
    String[] words = line.split(" ", 4);
    return Map.of(
        "start",
        Long.valueOf(words[0]),
        "length",
        Long.valueOf(words[1]),
        "type",
        words[2],
        "params",
        words.length == 4 ? words[3].strip() : "");
  }

  private static List<String> only(String lines, Options options) {
    return lines
        .lines()
        .filter(line -> options.target == null || line.split(" ", 4)[2].equals(options.target))
        .toList();
  }

  private Map<String, ?> info(List<String> words) throws TableException {
    StringBuilder text = new StringBuilder();
    List<Map<String, ?>> devices = new ArrayList<>();
    for (String name : words.isEmpty() ? mapper.ls() : words) {
      DeviceInfo info = mapper.info(name);
      text.append(info.text());
      devices.add(json(info));
    }
    return Map.of("text", text.isEmpty() ? NO_DEVICES : text.toString(), "devices", devices);
  }

  private static Map<String, ?> json(DeviceInfo info) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", info.name());
    json.put("suspended", info.suspended());
    json.put("live", info.live());
    json.put("inactive", info.inactive());
    json.put("open-count", info.openCount());
    json.put("event-number", info.eventNumber());
    json.put("major", DeviceInfo.MAJOR);
    json.put("minor", info.minor());
    json.put("targets", info.targets());
    return json;
  }

  private Map<String, ?> create(String name, @Nullable String table) throws RefusedException {
    made.create(name, table == null ? "" : table, configuration.get());
    return done(List.of(name));
  }

  private void remove(String name) throws RefusedException, TableException {
    if (!made.isLeftOut(name)) {
      mapper.info(name); // refuses where there is none
    }
    made.remove(name, configuration.get());
  }

  private void resume(String name) throws RefusedException {
    await("dm resume " + name, mapper.resume(name));
    made.resumed(name);
  }

  private Map<String, ?> rename(List<String> words) throws RefusedException, TableException {
    if (words.size() != 2) {
      throw new RefusedException("dm rename: a device name and a new one are needed");
    }
    mapper.info(words.getFirst());
    made.rename(words.getFirst(), words.getLast(), configuration.get());
    return done(words);
  }

  /**
   * Waits until the event number exceeds the given one, which is 0 when none is, for as long as it
   * takes and the client is there. Says nothing, or with {@code -v} what {@code info} does.
   */
  private Map<String, ?> awaitEvent(List<String> words, Options options, Progress progress)
      throws RefusedException, TableException, ClientGoneException {
    if (words.isEmpty() || words.size() > 2) {
      throw new RefusedException("dm wait: a device name and an event number at most");
    }
    String name = words.getFirst();
    long seen = words.size() == 2 ? number(words.get(1)) : 0;
    CompletableFuture<Long> event = mapper.await(name, seen);
    try {
      while (!isDone(event)) {
        progress.report(Map.of("state", "waiting"));
      }
      String text = options.verbose ? mapper.info(name).text() : "";
      return Map.of("text", text, "event-number", event.get());
    } catch (ExecutionException e) {
      String reason = e.getCause() == null ? e.getMessage() : e.getCause().getMessage();
      throw new RefusedException("dm wait " + name + ": " + reason, e);
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

  private Map<String, ?> message(List<String> words) throws RefusedException {
    if (words.size() < 3) {
      throw new RefusedException("dm message: a device name, a sector and a message are needed");
    }
    String reply =
        Stages.await(
            "dm message",
            mapper.message(words.get(0), number(words.get(1)), words.subList(2, words.size())));
    return Map.of("text", reply.isEmpty() ? "" : reply + "\n", "reply", reply);
  }

  private static long number(String word) throws RefusedException {
    try {
      return Long.parseUnsignedLong(word);
    } catch (NumberFormatException e) {
      throw new RefusedException("dm: not a number: " + word, e);
    }
  }
}
