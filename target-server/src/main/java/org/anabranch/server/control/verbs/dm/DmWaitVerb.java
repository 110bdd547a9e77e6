// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.io.EOFException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.jspecify.annotations.Nullable;

/** {@code dm wait}: for as long as it takes and the client stays connected. */
public final class DmWaitVerb
    implements Verb<DmWaitVerb.Arguments, DmWaitVerb.Begun, DmWaitVerb.Result> {
  public static final Call<Arguments, Begun, Result> CALL =
      new Call<>(
          "dm wait", "Waits for an event of a device.", Arguments.class, Begun.class, Result.class);

  /** What is waited for. */
  public record Arguments(
      @Doc("of the device") String name,
      @Doc("an event number: a higher one ends the wait; absent: 0") @Nullable Long event) {}

  /** Reported once, when the wait has begun. */
  public record Begun(@Doc("waiting") String state) {}

  /** The event. */
  public record Result(@Doc("now") long eventNumber) {}

  private final DeviceMapper mapper;

  DmWaitVerb(DeviceMapper mapper) {
    this.mapper = mapper;
  }

  @Override
  public Call<Arguments, Begun, Result> call() {
    return CALL;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public Place place(Arguments arguments) {
    return Place.WAITING;
  }

  @Override
  public Result run(Arguments arguments, Caller<Begun> caller)
      throws RefusedException, ClientGoneException {
    CompletableFuture<Long> event =
        mapper.await(arguments.name(), arguments.event() == null ? 0 : arguments.event());
    if (!event.isDone()) {
      caller.report(new Begun("waiting"));
    }
    CompletableFuture<Void> gone = caller.gone();
    try {
      CompletableFuture.anyOf(event, gone).get();
      if (!event.isDone()) {
        throw new ClientGoneException(new EOFException("dm wait"));
      }
      return new Result(event.get());
    } catch (ExecutionException e) {
      String reason = e.getCause() == null ? e.getMessage() : e.getCause().getMessage();
      throw new RefusedException("dm wait " + arguments.name() + ": " + reason, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException("dm wait " + arguments.name() + ": interrupted", e);
    } finally {
      event.cancel(false);
    }
  }
}
