// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import java.io.Console;
import java.io.PrintWriter;

/**
 * Where a command tells a person what it does. On a terminal there are colours (unless NO_COLOR is
 * set) and a line that moves; elsewhere the same words as plain lines. One thread.
 */
public final class Screen {
  private final PrintWriter out;
  private final boolean moving;
  private final boolean coloured;

  /** On standard output, which may be a terminal. */
  @SuppressWarnings("SystemConsoleNull") // on JDK 25 it is null again where there is no terminal
  public static Screen on(PrintWriter out) {
    Console console = System.console();
    boolean terminal = console != null && console.isTerminal();
    boolean dumb = "dumb".equals(System.getenv("TERM"));
    return new Screen(
        out, terminal && !dumb, terminal && !dumb && System.getenv("NO_COLOR") == null);
  }

  /**
   * @param moving whether a line may be written over
   * @param coloured whether there are colours
   */
  public Screen(PrintWriter out, boolean moving, boolean coloured) {
    this.out = out;
    this.moving = moving;
    this.coloured = coloured;
  }

  /** Whether {@link #temporary} lines are seen. */
  public boolean moves() {
    return moving;
  }

  /** A line that stays. */
  public void line(String text) {
    out.println(clear() + text);
    out.flush();
  }

  /** A line that the next one replaces; nothing where lines cannot be replaced. */
  public void temporary(String text) {
    if (moving) {
      out.print(clear() + text);
      out.flush();
    }
  }

  private String clear() {
    return moving ? "\r\u001b[K" : "";
  }

  public String bold(String text) {
    return styled("1", text);
  }

  public String dim(String text) {
    return styled("2", text);
  }

  public String green(String text) {
    return styled("32", text);
  }

  public String red(String text) {
    return styled("31", text);
  }

  public String cyan(String text) {
    return styled("36", text);
  }

  private String styled(String code, String text) {
    return coloured ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
  }
}
