// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import org.anabranch.server.base.ClientGoneException;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Place;
import org.anabranch.server.control.Verb;
import org.anabranch.server.exports.receive.VolumeImports;
import org.jspecify.annotations.Nullable;

/** {@code volume import}. The stream is data that the client sends behind its request. */
public final class VolumeImportVerb
    implements Verb<VolumeImportVerb.Arguments, VolumeImportVerb.State, VolumeImportVerb.Result> {
  public static final Call<Arguments, State, Result> CALL =
      new Call<>(
          "volume import",
          "Makes a volume what a stream of a snapshot says, and the volume itself if there is none;"
              + " the client sends the stream as data.",
          Arguments.class,
          State.class,
          Result.class);

  /** Where the stream goes. */
  public record Arguments(
      @Doc("the volume's name") String volume,
      @Doc("of the snapshot that is taken then; absent: its name where it comes from")
          @Nullable String snapshot,
      @Doc(
              "also when the volume was changed since the stream's base, or is not empty: that is lost")
          boolean force) {}

  /** How far it is. */
  public record State(
      @Doc("receiving, applying (all was received and is right, and the volume is written)")
          Phase phase,
      @Doc("of the stream") long doneBytes,
      @Doc("of the stream, while it is applied") @Nullable Long totalBytes) {}

  /** What is done with the stream. */
  public enum Phase {
    RECEIVING,
    APPLYING
  }

  /** The volume as it is now. */
  public record Result(
      @Doc("its name") String volume,
      @Doc("VOLUME@NAME, which says what the volume is now") String snapshot,
      @Doc("the snapshot that the stream began at; absent when it had everything")
          @Nullable String since,
      @Doc("the volume's length") long bytes,
      @Doc("that the stream was about") long changedBytes,
      @Doc("whether there was no such volume before") boolean made) {}

  private final RunningServer server;

  VolumeImportVerb(RunningServer server) {
    this.server = server;
  }

  @Override
  public Call<Arguments, State, Result> call() {
    return CALL;
  }

  @Override
  public Place place(Arguments arguments) {
    return Place.WAITING;
  }

  @Override
  public Result run(Arguments arguments, Caller<State> caller) throws RefusedException {
    VolumeImports.Imported imported =
        server
            .volumeImports()
            .run(
                new VolumeImports.Request(
                    arguments.volume(), arguments.snapshot(), arguments.force()),
                new Received(caller),
                server.volumes(),
                state ->
                    caller.report(
                        new State(
                            state.applying() ? Phase.APPLYING : Phase.RECEIVING,
                            state.done(),
                            state.applying() ? (Long) state.total() : null)));
    return new Result(
        arguments.volume(),
        imported.snapshot().device(),
        imported.base(),
        imported.bytes(),
        imported.changed(),
        imported.made());
  }

  /** The client's data. */
  private record Received(Caller<State> caller) implements ReadableByteChannel {
    @Override
    public int read(ByteBuffer into) throws IOException {
      try {
        return caller.receive(into);
      } catch (ClientGoneException e) {
        throw new IOException(e);
      }
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
