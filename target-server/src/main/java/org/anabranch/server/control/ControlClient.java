// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
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

  /** The most bytes of a line of an answer. */
  private static final int MAX_ANSWER = 1 << 28;

  private static final String STOPPED =
      "the server stopped before it answered; its log says why, and status shows, once it runs again,"
          + " what was done";

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
    return exchange(call, arguments, progress, data -> {}, null);
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

  /** The first line behind the greeting; says so when that takes long. */
  private @Nullable String first(MessageChannel messages) throws IOException, RefusedException {
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
      String line = messages.line(MAX_ANSWER);
      return line != null && line.startsWith("{\"greeting\"") ? messages.line(MAX_ANSWER) : line;
    } finally {
      notice.interrupt();
    }
  }

  private Map<String, Object> exchange(String verb, Map<String, ?> arguments, Reports progress)
      throws RefusedException {
    return exchange(verb, arguments, progress, data -> {}, null);
  }

  /**
   * The result of a verb that sends data.
   *
   * @param data gets it, in order
   */
  public <A extends Record, P extends Record, R extends Record> R download(
      Call<A, P, R> call, A arguments, Consumer<P> progress, DataSink data)
      throws RefusedException {
    return exchange(call, arguments, progress, data, null);
  }

  /**
   * The result of a verb that takes data.
   *
   * @param data is read to its end, on a thread of its own, which may still wait in a read when
   *     this returns or throws
   */
  public <A extends Record, P extends Record, R extends Record> R upload(
      Call<A, P, R> call, A arguments, Consumer<P> progress, ReadableByteChannel data)
      throws RefusedException {
    return exchange(call, arguments, progress, block -> {}, data);
  }

  private <A extends Record, P extends Record, R extends Record> R exchange(
      Call<A, P, R> call,
      A arguments,
      Consumer<P> progress,
      DataSink sink,
      @Nullable ReadableByteChannel source)
      throws RefusedException {
    String what = call.name() + ": the server's answer:";
    Map<String, Object> result =
        exchange(
            call.name(),
            RecordJson.write(arguments),
            state -> progress.accept(RecordJson.read(call.progress(), state, what)),
            sink,
            source);
    return RecordJson.read(call.result(), result, what);
  }

  /** Takes data that the server sends. */
  public interface DataSink {
    /** Takes a block; the buffer is valid until this returns. */
    void take(ByteBuffer data) throws RefusedException;
  }

  private Map<String, Object> exchange(
      String verb,
      Map<String, ?> arguments,
      Reports progress,
      DataSink sink,
      @Nullable ReadableByteChannel source)
      throws RefusedException {
    if (!Files.exists(socket)) {
      throw new RefusedException(
          "no server has its control socket at "
              + socket
              + "; start one, or name the socket with --socket");
    }
    Upload upload = null;
    try (SocketPath path = SocketPath.of(socket);
        SocketChannel channel = SocketChannel.open(path.address())) {
      MessageChannel messages = new MessageChannel(channel);
      messages.send(
          Map.of("protocol", ControlServer.PROTOCOL, "verb", verb, "arguments", arguments));
      if (source != null) {
        upload = new Upload(source, channel, messages);
        Thread.ofVirtual().name("upload").start(upload);
      }
      Map<String, Object> result = answer(messages, progress, sink);
      if (result != null) {
        return result;
      }
      throw failure(upload, new RefusedException(STOPPED));
    } catch (RefusedException e) {
      throw failure(upload, e); // where the data could not be read, that is the reason
    } catch (ConnectException e) {
      throw new RefusedException(
          "no server is running: nobody listens at the control socket "
              + socket
              + ", which a server left behind; start one, or name the socket with --socket",
          e);
    } catch (IOException e) {
      if (String.valueOf(e.getMessage()).matches("Connection reset|Broken pipe")) {
        throw failure(upload, new RefusedException(STOPPED, e));
      }
      throw new RefusedException(
          "no answer from the control socket "
              + socket
              + ": "
              + StateDirectory.reason(e)
              + (Files.isWritable(socket) ? "" : "; use it as root or as the server's user"),
          e);
    }
  }

  /** The result; null when the connection ends without one. */
  @SuppressWarnings("unchecked") // what Json gives has strings for keys
  private @Nullable Map<String, Object> answer(
      MessageChannel messages, Reports progress, DataSink sink)
      throws IOException, RefusedException {
    ByteBuffer data = ByteBuffer.allocate(0);
    for (String line = first(messages); line != null; line = messages.line(MAX_ANSWER)) {
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
      int block = MessageChannel.block(answer);
      if (block > 0) {
        data = data.capacity() < block ? ByteBuffer.allocate(block) : data;
        messages.read(data.clear().limit(block));
        sink.take(data.flip());
      }
    }
    return null;
  }

  /** Why there was no answer: what could not be read, if so. */
  private static RefusedException failure(@Nullable Upload upload, RefusedException otherwise) {
    IOException unread = upload == null ? null : upload.unread;
    return unread == null
        ? otherwise
        : new RefusedException("the data cannot be read: " + StateDirectory.reason(unread), unread);
  }

  /** Sends data while the answer is awaited. */
  private static final class Upload implements Runnable {
    private final ReadableByteChannel source;
    private final SocketChannel channel;
    private final MessageChannel messages;

    /** Why the source could not be read to its end; written by the upload's thread. */
    private volatile @Nullable IOException unread;

    Upload(ReadableByteChannel source, SocketChannel channel, MessageChannel messages) {
      this.source = source;
      this.channel = channel;
      this.messages = messages;
    }

    @Override
    public void run() {
      try {
        ByteBuffer data = ByteBuffer.allocateDirect(1 << 18);
        while (read(data.clear())) {
          messages.sendData(data.flip());
        }
        if (unread == null) {
          messages.endData();
        } else {
          channel.shutdownOutput(); // without the end, so that it counts as cut off
        }
      } catch (IOException e) {
        // The server takes no more; its answer says why.
      }
    }

    private boolean read(ByteBuffer data) {
      try {
        return source.read(data) >= 0;
      } catch (IOException e) {
        unread = e;
        return false;
      }
    }
  }
}
