// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.dm;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.anabranch.block.Io;
import org.anabranch.block.Limits;
import org.jspecify.annotations.Nullable;

/** A target that notes its life, and whose steps can be made to wait or fail. */
final class Probe implements Target, TargetType {
  final List<String> life = new ArrayList<>();
  final List<Io> mapped = new ArrayList<>();
  CompletableFuture<@Nullable Void> preresume = CompletableFuture.completedFuture(null);
  CompletableFuture<@Nullable Void> presuspend = CompletableFuture.completedFuture(null);
  @Nullable Context context;

  @Override
  public String name() {
    return "probe";
  }

  @Override
  public String version() {
    return "v1.0.0";
  }

  @Override
  public TargetSpec read(List<String> words, Function<String, DeviceRef> devices) {
    return spec();
  }

  @Override
  public CompletionStage<Target> create(Context newContext, TargetSpec spec) {
    life.add("create");
    context = newContext;
    return CompletableFuture.completedFuture(this);
  }

  @Override
  public void map(Io io) {
    mapped.add(io);
  }

  @Override
  public CompletionStage<@Nullable Void> preresume() {
    life.add("preresume");
    return preresume;
  }

  @Override
  public void resume() {
    life.add("resume");
  }

  @Override
  public CompletionStage<@Nullable Void> presuspend(SuspendMode mode) {
    life.add("presuspend" + (mode == SuspendMode.NOFLUSH ? " noflush" : ""));
    return presuspend;
  }

  @Override
  public void postsuspend() {
    life.add("postsuspend");
  }

  @Override
  public CompletionStage<@Nullable Void> close() {
    life.add("close");
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public Limits limits() {
    return Limits.DEFAULT;
  }

  @Override
  public TargetSpec spec() {
    return new Spec();
  }

  private record Spec() implements TargetSpec {
    @Override
    public String type() {
      return "probe";
    }

    @Override
    public List<DeviceRef> devices() {
      return List.of();
    }

    @Override
    public TargetSpec withDevices(UnaryOperator<DeviceRef> change) {
      return this;
    }

    @Override
    public List<String> words() {
      return List.of();
    }
  }

  @Override
  public CompletionStage<String> message(List<String> words) {
    return CompletableFuture.completedFuture(String.join("+", words));
  }
}
