// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/**
 * Relative port identifiers (SPC-4 7.8.15) of all target ports of the server: {@code ports} in the
 * state directory, a line {@code NUMBER PORT} for each. Targets that show the same logical unit
 * need different ones, and persistent reservations name a port by its number over a restart, so a
 * number once given stays. Any thread.
 */
public final class PortNumbers {
  /** The field has 16 bits, and 0 is no port. */
  private static final int MAX_NUMBER = 65535;

  private static final int MAX_BYTES = MAX_NUMBER * 512;

  private final DurableFile file;

  /** By port name; guarded by this. */
  private final Map<String, Integer> numbers = new TreeMap<>();

  private PortNumbers(DurableFile file) {
    this.file = file;
  }

  /**
   * Reads the numbers that have been assigned.
   *
   * @throws RefusedException if the file can't be read or is damaged
   */
  public static PortNumbers open(Path stateFolder) throws RefusedException {
    PortNumbers ports = new PortNumbers(new DurableFile(stateFolder.resolve("ports")));
    try {
      if (ports.file.exists()) {
        ports.file.read(MAX_BYTES).lines().forEach(ports::read);
      }
    } catch (IOException e) {
      throw new RefusedException(ports.file.path() + ": " + StateDirectory.reason(e), e);
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new RefusedException(
          ports.file.path()
              + " is damaged: it has a line for each target port, NUMBER PORT; restore it from a"
              + " backup, or delete it: then target ports may get other numbers",
          e);
    }
    return ports;
  }

  private synchronized void read(String line) {
    String[] fields = line.split(" ", 2);
    numbers.put(fields[1], Integer.parseInt(fields[0]));
  }

  /** The port that a number was given to; null if it was given to none. */
  public synchronized @Nullable String port(int number) {
    for (Map.Entry<String, Integer> each : numbers.entrySet()) {
      if (each.getValue() == number) {
        return each.getKey();
      }
    }
    return null;
  }

  /**
   * The number of a port: the one that it was given once, or the lowest that is free.
   *
   * @param port {@code iqn...,t,0x0001}
   * @param inUse the ports that there are; the number of another one is given away when no number
   *     is free
   * @throws RefusedException if it can't be made durable
   */
  public synchronized int number(String port, Predicate<String> inUse) throws RefusedException {
    Integer known = numbers.get(port);
    if (known != null) {
      return known;
    }
    if (numbers.size() == MAX_NUMBER) {
      numbers.keySet().removeIf(inUse.negate());
    }
    SortedSet<Integer> given = new TreeSet<>(numbers.values());
    int free = 1;
    while (given.contains(free)) {
      free++;
    }
    if (free > MAX_NUMBER) {
      throw new RefusedException(
          "a server has at most "
              + MAX_NUMBER
              + " target ports (targets times portal groups); configure fewer");
    }
    numbers.put(port, free);
    StringBuilder text = new StringBuilder();
    numbers.forEach((name, number) -> text.append(number).append(' ').append(name).append('\n'));
    try {
      file.write(text.toString());
    } catch (IOException e) {
      numbers.remove(port);
      throw new RefusedException(file.path() + ": " + StateDirectory.reason(e), e);
    }
    return free;
  }
}
