// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control.verbs.dm;

import java.util.List;
import org.anabranch.block.dm.DeviceMapper;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.control.Call;
import org.anabranch.server.control.Caller;
import org.anabranch.server.control.Doc;
import org.anabranch.server.control.Nothing;
import org.anabranch.server.control.Verb;
import org.jspecify.annotations.Nullable;

/**
 * {@code dm table} and {@code dm status}: rows of devices. They differ in their arguments, and in
 * what the device mapper is asked for.
 */
public final class DmRowsVerb<A extends Record> implements Verb<A, Nothing, DeviceRows.Result> {
  public static final Call<TableArguments, Nothing, DeviceRows.Result> TABLE =
      Call.of("dm table", "Shows tables.", TableArguments.class, DeviceRows.Result.class);

  public static final Call<StatusArguments, Nothing, DeviceRows.Result> STATUS =
      Call.of(
          "dm status",
          "Shows what targets report.",
          StatusArguments.class,
          DeviceRows.Result.class);

  /** Which tables. */
  public record TableArguments(
      @Doc("of devices; empty: all devices") List<String> names,
      @Doc("the table that was loaded and not resumed") boolean inactive,
      @Doc("only rows of this target type") @Nullable String target) {}

  /** Which statuses. */
  public record StatusArguments(
      @Doc("of devices; empty: all devices") List<String> names,
      @Doc("only rows of this target type") @Nullable String target) {}

  /** What the device mapper is asked for. */
  private interface Rows<A> {
    DeviceRows.Result of(A arguments) throws RefusedException;
  }

  private final Call<A, Nothing, DeviceRows.Result> call;
  private final Rows<A> rows;

  private DmRowsVerb(Call<A, Nothing, DeviceRows.Result> call, Rows<A> rows) {
    this.call = call;
    this.rows = rows;
  }

  static DmRowsVerb<TableArguments> table(DeviceMapper mapper) {
    return new DmRowsVerb<>(
        TABLE,
        asked ->
            DeviceRows.each(
                TABLE.name(),
                mapper,
                asked.names(),
                asked.target(),
                asked.inactive() ? mapper::inactiveTable : mapper::table));
  }

  static DmRowsVerb<StatusArguments> status(DeviceMapper mapper) {
    return new DmRowsVerb<>(
        STATUS,
        asked ->
            DeviceRows.each(STATUS.name(), mapper, asked.names(), asked.target(), mapper::status));
  }

  @Override
  public Call<A, Nothing, DeviceRows.Result> call() {
    return call;
  }

  @Override
  public boolean changes() {
    return false;
  }

  @Override
  public DeviceRows.Result run(A arguments, Caller<Nothing> caller) throws RefusedException {
    return rows.of(arguments);
  }
}
