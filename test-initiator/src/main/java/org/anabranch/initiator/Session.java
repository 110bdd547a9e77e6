// SPDX-License-Identifier: Apache-2.0
package org.anabranch.initiator;

import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.concurrent.EventExecutor;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A session in the full feature phase, with one connection, at error recovery level 0: any protocol
 * error ends it, with all commands in flight.
 *
 * <p>Many commands may be in flight. They get CmdSNs in the order of the calls; commands outside
 * the target's window (MaxCmdSN) wait in a queue of at most {@value #MAX_WAITING}. Methods may be
 * called from any thread; futures complete on the connection's event loop, where nothing may block.
 */
public final class Session implements AutoCloseable {
  /** CmdSN of the login and of the first command. */
  static final int FIRST_CMD_SN = 1;

  private static final int MAX_WAITING = 65_536;

  /** A request other than a command, waiting for its answer. */
  private record Exchange(int opcode, CompletableFuture<Pdu> answer, ByteArrayOutputStream text) {}

  /** A request that needs its own CmdSN. */
  interface Numbered {
    void send(int cmdSn);

    void failed(Exception cause);
  }

  private final RawConnection connection;
  private final SessionOptions options;
  private final Parameters parameters;
  private final SessionListener listener;
  private final AtomicInteger waitingCount = new AtomicInteger();

  // Owned by the event loop.
  private final ArrayDeque<Numbered> waiting = new ArrayDeque<>();
  private final IntObjectHashMap<PendingCommand> commands = new IntObjectHashMap<>();
  private final IntObjectHashMap<Exchange> exchanges = new IntObjectHashMap<>();
  private int nextTag = 1;
  private int cmdSn = FIRST_CMD_SN;
  private int expStatSn;
  private int expCmdSn;
  private int maxCmdSn;
  private boolean flushWanted;
  private @Nullable IscsiException end;

  Session(
      RawConnection connection,
      SessionOptions options,
      Parameters parameters,
      SessionListener listener) {
    this.connection = connection;
    this.options = options;
    this.parameters = parameters;
    this.listener = listener;
    expStatSn = parameters.statSn() + 1;
    expCmdSn = parameters.expCmdSn();
    maxCmdSn = parameters.maxCmdSn();
    connection.takeOver(new Incoming(this));
  }

  public Parameters parameters() {
    return parameters;
  }

  public SessionOptions options() {
    return options;
  }

  public RawConnection connection() {
    return connection;
  }

  /** The event loop on which this session's futures complete. */
  public EventExecutor executor() {
    return connection.eventLoop();
  }

  SessionListener listener() {
    return listener;
  }

  /** Sends a command. The future completes with the response, whatever its status. */
  public CompletableFuture<Response> submit(Command command) {
    return start(command).response();
  }

  /** Sends a command and receives at most {@code expectedIn} bytes, or sends {@code out}. */
  public CompletableFuture<Response> command(
      long lun, byte[] cdb, @Nullable ByteBuffer out, int expectedIn) {
    ByteBuffer in = expectedIn == 0 ? null : ByteBuffer.allocate(expectedIn);
    return submit(new Command(lun, cdb, Command.SIMPLE, out, in));
  }

  /** Sends a command and returns the handle for {@link #abort}. */
  public PendingCommand start(Command command) {
    PendingCommand pending = new PendingCommand(this, command);
    enqueue(pending);
    return pending;
  }

  /** Pings the target; completes with the data that it returned. */
  public CompletableFuture<byte[]> ping(byte[] data) {
    return numbered(tag -> Requests.nopOut(tag).data(data)).thenApply(Pdu::dataBytes);
  }

  /** Sends text keys; completes with the complete answer, in order. */
  public CompletableFuture<List<Map.Entry<String, String>>> text(Map<String, String> keys) {
    return numbered(tag -> Requests.text(tag, Pdu.NO_TAG).data(TextKeys.encode(keys)))
        .thenCompose(pdu -> {
          try {
            return CompletableFuture.completedFuture(TextKeys.decode(pdu.dataBytes()));
          } catch (IscsiException e) {
            return CompletableFuture.failedFuture(e);
          }
        });
  }

  /**
   * Aborts one task. Completes with the target's answer, a constant of {@link TaskManagement}; at
   * once with {@link TaskManagement#COMPLETE} if the command had not been sent. A task that the
   * target does not know and never answered, because another session's reset ended it, ends here.
   */
  public CompletableFuture<Integer> abort(PendingCommand task) {
    return inLoop(() -> {
      if (waiting.remove(task)) {
        waitingCount.decrementAndGet();
        task.failed(new TaskAbortedException("aborted before it was sent"));
        return CompletableFuture.completedFuture(TaskManagement.COMPLETE);
      }
      return manage(
          TaskManagement.ABORT_TASK,
          task.command().lun(),
          task.tag(),
          task.cmdSn(),
          other -> other == task);
    });
  }

  /**
   * Sends any other function. Commands that it ended and that the target did not answer fail with a
   * {@link TaskAbortedException}.
   *
   * @param lun ignored if the function addresses the target
   */
  public CompletableFuture<Integer> manage(TaskManagement function, long lun) {
    Predicate<PendingCommand> ends =
        switch (function) {
          case ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET ->
              task -> task.command().lun() == lun;
          case TARGET_WARM_RESET, TARGET_COLD_RESET, I_T_NEXUS_RESET -> task -> true;
          default -> task -> false;
        };
    return inLoop(() -> manage(function, lun, Pdu.NO_TAG, 0, ends));
  }

  private CompletableFuture<Integer> manage(
      TaskManagement function, long lun, int tag, int sn, Predicate<PendingCommand> ends) {
    // It can end only commands sent before it.
    List<PendingCommand> candidates = commands.values().stream().filter(ends).toList();
    return immediate(own -> Requests.taskManagement(function.number(), lun, own, tag, sn))
        .thenApply(pdu -> {
          int answer = pdu.u8(2);
          boolean gone =
              function == TaskManagement.ABORT_TASK && answer == TaskManagement.TASK_DOES_NOT_EXIST;
          if (answer == TaskManagement.COMPLETE || gone) {
            for (PendingCommand task : candidates) {
              if (commands.get(task.tag()) == task) {
                commands.remove(task.tag());
                task.failed(new TaskAbortedException("ended by " + function));
              }
            }
          }
          return answer;
        });
  }

  /**
   * Logs out and closes the connection. Completes with the target's response: 0 is success (RFC
   * 7143 11.15.1).
   */
  public CompletableFuture<Integer> logout() {
    return numbered(tag -> Requests.logout(tag, 0, options.cid()).immediate(false))
        .thenApply(pdu -> {
          connection.fail(new IscsiException("logged out"));
          return pdu.u8(2);
        });
  }

  /** Closes the connection without a logout, if it is open. */
  @Override
  public void close() {
    connection.close();
  }

  public boolean isOpen() {
    return connection.isOpen();
  }

  /** The number of commands in flight, as seen by the event loop. */
  public CompletableFuture<Integer> inFlight() {
    return CompletableFuture.supplyAsync(commands::size, connection.eventLoop());
  }

  /** Builds a request with a given tag. */
  private interface RequestOf {
    Pdu of(int tag);
  }

  /** Sends a request with its own CmdSN, in the order of commands. */
  private CompletableFuture<Pdu> numbered(RequestOf request) {
    CompletableFuture<Pdu> answer = new CompletableFuture<>();
    enqueue(
        new Numbered() {
          @Override
          public void send(int sn) {
            exchange(request, sn, answer);
          }

          @Override
          public void failed(Exception cause) {
            answer.completeExceptionally(cause);
          }
        });
    return answer;
  }

  /** Sends a request for immediate delivery, on the event loop. */
  private CompletableFuture<Pdu> immediate(RequestOf request) {
    CompletableFuture<Pdu> answer = new CompletableFuture<>();
    if (end != null) {
      answer.completeExceptionally(end);
    } else {
      exchange(request, cmdSn, answer);
    }
    return answer;
  }

  private void exchange(RequestOf request, int sn, CompletableFuture<Pdu> answer) {
    int tag = newTag();
    Pdu pdu = request.of(tag).cmdSn(sn);
    exchanges.put(tag, new Exchange(pdu.opcode(), answer, new ByteArrayOutputStream()));
    write(pdu);
  }

  private void enqueue(Numbered request) {
    if (waitingCount.incrementAndGet() > MAX_WAITING) {
      waitingCount.decrementAndGet();
      request.failed(new IscsiException("more than " + MAX_WAITING + " commands wait"));
      return;
    }
    run(() -> {
      if (end != null) {
        waitingCount.decrementAndGet();
        request.failed(end);
        return;
      }
      waiting.add(request);
      sendWaiting();
    });
  }

  private void sendWaiting() {
    while (!waiting.isEmpty() && maxCmdSn - cmdSn >= 0) {
      waitingCount.decrementAndGet();
      waiting.remove().send(cmdSn++);
    }
  }

  private int newTag() {
    while (nextTag == Pdu.NO_TAG
        || commands.containsKey(nextTag)
        || exchanges.containsKey(nextTag)) {
      nextTag++;
    }
    return nextTag++;
  }

  /** Writes a PDU with the latest ExpStatSN; the flush follows at the end of the loop's turn. */
  void write(Pdu pdu) {
    connection.write(pdu.expStatSn(expStatSn));
    if (!flushWanted) {
      flushWanted = true;
      connection.eventLoop().execute(this::flush);
    }
  }

  private void flush() {
    if (flushWanted) {
      flushWanted = false;
      connection.flush();
    }
  }

  /** Registers a command that is about to be sent, and returns its tag. */
  int register(PendingCommand command) {
    int tag = newTag();
    commands.put(tag, command);
    return tag;
  }

  void ended(PendingCommand command) {
    commands.remove(command.tag());
  }

  @Nullable PendingCommand command(int tag) {
    return commands.get(tag);
  }

  /** Processes StatSN of a PDU that carries a status. */
  void statSn(Pdu pdu) throws IscsiException {
    if (pdu.statSn() != expStatSn) {
      throw new IscsiException("expected StatSN " + expStatSn + ": " + pdu);
    }
    expStatSn++;
  }

  /** Processes ExpCmdSN and MaxCmdSN, in serial number arithmetic (RFC 7143 4.2.2.1). */
  void window(Pdu pdu) {
    if (pdu.maxCmdSn() - (pdu.expCmdSn() - 1) < 0) {
      return;
    }
    if (pdu.expCmdSn() - expCmdSn > 0) {
      expCmdSn = pdu.expCmdSn();
    }
    if (pdu.maxCmdSn() - maxCmdSn > 0) {
      maxCmdSn = pdu.maxCmdSn();
    }
  }

  /** Processes the answer to a request that is not a command. */
  void answered(Pdu pdu, int requestOpcode) throws IscsiException {
    Exchange exchange = exchanges.get(pdu.taskTag());
    if (exchange == null || exchange.opcode() != requestOpcode) {
      throw new IscsiException("an answer that nobody asked for: " + pdu);
    }
    if (pdu.opcode() == Opcode.TEXT_RESPONSE) {
      exchange.text().writeBytes(pdu.dataBytes());
      if (!pdu.isFinal()) {
        if (pdu.transferTag() == Pdu.NO_TAG) {
          throw new IscsiException("half a text without a tag to go on with: " + pdu);
        }
        write(Requests.text(pdu.taskTag(), pdu.transferTag()).immediate(true).cmdSn(cmdSn));
        return;
      }
      pdu.data(exchange.text().toByteArray());
    }
    exchanges.remove(pdu.taskTag());
    exchange.answer().complete(pdu);
  }

  /** Answers a ping from the target. */
  void pinged(Pdu nopIn) {
    write(Requests.nopAnswer(nopIn).cmdSn(cmdSn));
  }

  /** The target rejected a PDU of ours: fails the request that waits for its answer. */
  void rejected(Pdu reject) {
    int reason = reject.u8(2);
    if (reject.data().remaining() >= Pdu.BHS_LENGTH) {
      plug(reject);
      int tag = reject.data().getInt(reject.data().position() + 16);
      IscsiException cause =
          new IscsiException(String.format("the target rejected the PDU, reason 0x%02x", reason));
      Exchange exchange = exchanges.remove(tag);
      if (exchange != null) {
        exchange.answer().completeExceptionally(cause);
      }
      PendingCommand command = commands.remove(tag);
      if (command != null) {
        command.failed(cause);
      }
    }
    listener.rejected(this, reason, reject);
  }

  /**
   * If the target does not count a rejected PDU as received, its CmdSN must be used again (RFC 7143
   * 7.3): by the next PDU, or by a ping if later ones have been sent.
   */
  private void plug(Pdu reject) {
    int first = reject.data().get(reject.data().position());
    int number = reject.data().getInt(reject.data().position() + 24);
    int opcode = first & 0x3f;
    boolean immediate = (first & 0x40) != 0;
    if (immediate
        || opcode == Opcode.DATA_OUT
        || opcode == Opcode.SNACK_REQUEST
        || reject.expCmdSn() != number) {
      return;
    }
    if (cmdSn == number + 1) {
      cmdSn = number;
    } else {
      exchange(Requests::nopOut, number, new CompletableFuture<>());
    }
  }

  void readComplete() {
    sendWaiting();
    flush();
  }

  void closed(IscsiException cause) {
    end = cause;
    List<PendingCommand> lostCommands = new ArrayList<>(commands.values());
    commands.clear();
    List<Exchange> lostExchanges = new ArrayList<>(exchanges.values());
    exchanges.clear();
    List<Numbered> unsent = new ArrayList<>(waiting);
    waiting.clear();
    waitingCount.addAndGet(-unsent.size());
    lostCommands.forEach(command -> command.failed(cause));
    lostExchanges.forEach(exchange -> exchange.answer().completeExceptionally(cause));
    unsent.forEach(request -> request.failed(cause));
    listener.closed(this, cause);
  }

  private void run(Runnable action) {
    if (connection.eventLoop().inEventLoop()) {
      action.run();
    } else {
      connection.eventLoop().execute(action);
    }
  }

  private <T> CompletableFuture<T> inLoop(Supplier<CompletableFuture<T>> action) {
    return CompletableFuture.completedFuture(this)
        .thenComposeAsync(session -> action.get(), connection.eventLoop());
  }
}
