// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.anabranch.block.Io;
import org.anabranch.block.IoCompletion;
import org.anabranch.block.IoError;
import org.jspecify.annotations.Nullable;

/** The bottom of a request's completions: whether it has ended, and how. */
final class Ended implements IoCompletion {
  int times;
  @Nullable IoError error;
  String range = "";

  @Override
  public void completed(Io io, @Nullable IoError ioError) {
    times++;
    error = ioError;
    range = io.sector() + "+" + io.sectors();
  }

  void isWaiting() {
    assertThat(times).isZero();
  }

  void isDone() {
    assertThat(times).isOne();
    assertThat(error).isNull();
  }

  void failed(IoError.Kind kind) {
    assertThat(times).isOne();
    assertThat(error).isNotNull().extracting(IoError::kind).isEqualTo(kind);
  }

  /** Data of {@code sectors} sectors that all hold {@code value}. */
  static ByteBuffer filled(int sectors, int value) {
    ByteBuffer data = ByteBuffer.allocateDirect(sectors * 512);
    for (int i = 0; i < data.capacity(); i++) {
      data.put(i, (byte) value);
    }
    return data;
  }

  /** The value of a stage that is done. */
  static <T> T value(CompletionStage<T> stage) {
    assertThat(stage.toCompletableFuture()).isDone();
    return stage.toCompletableFuture().join();
  }

  /** Does what {@code value} does for a stage without one. */
  static void done(CompletionStage<@Nullable Void> stage) {
    assertThat(stage.toCompletableFuture()).isCompleted();
  }

  /** The reason of a stage that was refused. */
  static String refusal(CompletionStage<?> stage) {
    CompletableFuture<?> future = stage.toCompletableFuture();
    assertThat(future).isCompletedExceptionally();
    assertThat(Steps.cause(future.exceptionNow())).isInstanceOf(TableException.class);
    return String.valueOf(Steps.cause(future.exceptionNow()).getMessage());
  }
}
