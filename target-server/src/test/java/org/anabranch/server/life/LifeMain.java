// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.life;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.anabranch.block.sim.Trace;
import org.anabranch.server.life.disk.SyncEffect;
import org.slf4j.LoggerFactory;

/**
 * Runs histories, in a process whose file system is {@code CrashProvider}. Arguments: a folder,
 * what is wrong on purpose ({@code NONE} or a name of {@link LifeSabotage}), the first seed, how
 * many.
 *
 * <p>Ends with 0 when nothing was wrong, and 1 with the seed, the failure and the last steps when
 * something was.
 */
public final class LifeMain {
  private static final int TRACED = Integer.getInteger("life.sim.lines", 120);

  private LifeMain() {}

  /** See above. */
  public static void main(String[] args) throws Exception {
    if (!FileSystems.getDefault().getClass().getPackageName().endsWith(".life.disk")) {
      throw new IllegalStateException("files are on " + FileSystems.getDefault());
    }
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME))
        .setLevel(Level.toLevel(System.getProperty("life.sim.log", "off")));
    Path folder = Path.of(args[0]).toAbsolutePath();
    String[] sabotages = args[1].split(",", -1);
    long first = Long.parseLong(args[2]);
    long count = Long.parseLong(args[3]);
    for (String sabotage : sabotages) {
      boolean wrong = run(folder, sabotage, first, count);
      if (wrong != !sabotage.equals("NONE")) {
        System.exit(1);
      }
    }
    System.exit(0);
  }

  /** Whether a history failed. */
  private static boolean run(Path folder, String sabotage, long first, long count) {
    Function<String, SyncEffect> effects =
        sabotage.equals("NONE")
            ? path -> SyncEffect.NOW
            : path -> LifeSabotage.valueOf(sabotage).effect(path);
    Map<LifeReached, Integer> reached = new EnumMap<>(LifeReached.class);
    for (long seed = first; seed < first + count; seed++) {
      Trace trace = new Trace(TRACED);
      try {
        LifeHistory.run(
                seed,
                folder.resolve(sabotage + seed),
                effects,
                line -> {
                  synchronized (trace) {
                    trace.add(() -> line);
                  }
                })
            .forEach(what -> reached.merge(what, 1, Integer::sum));
      } catch (Exception | AssertionError e) {
        if (!sabotage.equals("NONE")) {
          System.out.println(
              sabotage
                  + " is caught with seed "
                  + seed
                  + ": "
                  + String.valueOf(e).lines().findFirst().orElse(""));
          return true;
        }
        System.out.println(trace);
        System.out.println(ThrowableProxyUtil.asString(new ThrowableProxy(e)));
        System.out.println("failed: -Dlife.sim.seed=" + seed);
        return true;
      }
    }
    System.out.println(
        sabotage
            + ": "
            + count
            + " histories from "
            + first
            + " on came to "
            + new LinkedHashMap<>(reached));
    return false;
  }
}
