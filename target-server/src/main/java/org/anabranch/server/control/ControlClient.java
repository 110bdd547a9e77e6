// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.ConnectException;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;

/** Asks a running server. */
public final class ControlClient {
  private static final Duration SLOW = Duration.ofSeconds(5);

  private final Path socket;
  private final Consumer<String> slow;

  public ControlClient(Path socket) {
    this(socket, notice -> {});
  }

  /**
   * A client whose user is told when the server does not answer.
   *
   * @param slow gets one line after five seconds without an answer
   */
  public ControlClient(Path socket, Consumer<String> slow) {
    this.socket = socket;
    this.slow = slow;
  }

  /** The result of a verb that reports nothing, or whose reports nobody wants. */
  public <A extends Record, R extends Record> R ask(Call<A, ?, R> call, A arguments)
      throws RefusedException {
    return RecordJson.read(
        call.result(),
        ask(call.name(), RecordJson.write(arguments), state -> {}),
        call.name() + ": the server's answer:");
  }

  /**
   * The result of a verb.
   *
   * @param progress gets what the verb reports while it works
   * @throws RefusedException when the server refuses, or there is none
   */
  public <A extends Record, P extends Record, R extends Record> R ask(
      Call<A, P, R> call, A arguments, Consumer<P> progress) throws RefusedException {
    String what = call.name() + ": the server's answer:";
    Map<String, Object> result =
        exchange(
            call.name(),
            RecordJson.write(arguments),
            state -> progress.accept(RecordJson.read(call.progress(), state, what)));
    return RecordJson.read(call.result(), result, what);
  }

  /** Takes a report. */
  private interface Reports {
    void take(Map<String, Object> state) throws RefusedException;
  }

  /**
   * The result of a verb, as JSON.
   *
   * @param progress gets what the verb reports while it works
   * @throws RefusedException when the server refuses, or there is none
   */
  public Map<String, Object> ask(
      String verb, Map<String, ?> arguments, Consumer<Map<String, Object>> progress)
      throws RefusedException {
    return exchange(verb, arguments, progress::accept);
  }

  /** The first line of the answer; says so when that takes long. */
  private @Nullable String first(BufferedReader in) throws IOException {
    Thread notice =
        Thread.ofVirtual()
            .start(() -> {
              try {
                Thread.sleep(SLOW);
                slow.accept(
                    "no answer yet from the server at "
                        + socket
                        + "; it is stopped, or waits for a disk");
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // answered
              }
            });
    try {
      return in.readLine();
    } finally {
      notice.interrupt();
    }
  }

  @SuppressWarnings("unchecked") // what Json gives has strings for keys
  private Map<String, Object> exchange(String verb, Map<String, ?> arguments, Reports progress)
      throws RefusedException {
    if (!Files.exists(socket)) {
      throw new RefusedException(
          "no server has its control socket at "
              + socket
              + "; start one, or name the socket with --socket");
    }
    try (SocketPath path = SocketPath.of(socket);
        SocketChannel channel = SocketChannel.open(path.address())) {
      Writer out = Channels.newWriter(channel, StandardCharsets.UTF_8);
      out.write(
          Json.line(
                  Map.of("protocol", ControlServer.PROTOCOL, "verb", verb, "arguments", arguments))
              + "\n");
      out.flush();
      BufferedReader in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
      for (String line = first(in); line != null; line = in.readLine()) {
        Map<String, Object> answer = Json.parse(line);
        if (answer.get("error") instanceof String error) {
          throw new RefusedException(error);
        }
        if (answer.get("result") instanceof Map<?, ?> result) {
          return (Map<String, Object>) result;
        }
        if (answer.get("progress") instanceof Map<?, ?> state) {
          progress.take((Map<String, Object>) state);
        }
      }
      throw new RefusedException("the server stopped before it answered");
    } catch (ConnectException e) {
      throw new RefusedException(
          "no server is running: nobody listens at the control socket "
              + socket
              + ", which a server left behind; start one, or name the socket with --socket",
          e);
    } catch (IOException e) {
      if (String.valueOf(e.getMessage()).matches("Connection reset|Broken pipe")) {
        throw new RefusedException("the server stopped before it answered", e);
      }
      throw new RefusedException(
          "no answer from the control socket " + socket + ": " + StateDirectory.reason(e), e);
    }
  }
}
