// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.terminal;

import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a command tells a person what it does. On a terminal there are colours (unless NO_COLOR is
 * set) and a line that moves; elsewhere the same words as plain lines. One thread, and the one that
 * ends it.
 */
public final class Screen {
  private static final int USUAL_COLUMNS = 80;
  private static final Pattern STYLE = Pattern.compile("\u001b\\[[0-9;]*m");

  private final PrintWriter out;
  private final boolean moving;
  private final boolean coloured;
  private final int columns;
  private final boolean blocks;

  /** Whether the cursor is on a line that moves. Guarded by this. */
  private boolean pending;

  private boolean watched; // guarded by this
  private boolean ended; // guarded by this: the process is ending, and nothing moves any more
  private @Nullable String lastWords; // guarded by this

  /** On standard output, which may be a terminal. */
  @SuppressWarnings("SystemConsoleNull") // on JDK 25 it is null again where there is no terminal
  public static Screen on(PrintWriter out) {
    Console console = System.console();
    boolean terminal = console != null && console.isTerminal();
    boolean dumb = "dumb".equals(System.getenv("TERM"));
    return new Screen(
        out,
        terminal && !dumb,
        terminal && !dumb && System.getenv("NO_COLOR") == null,
        terminal ? terminalColumns() : Integer.MAX_VALUE);
  }

  /** On standard error, whose lines move where it is a terminal. */
  public static Screen onErrors(PrintWriter err) {
    boolean terminal = isTerminal(2) && !"dumb".equals(System.getenv("TERM"));
    return new Screen(
        err,
        terminal,
        terminal && System.getenv("NO_COLOR") == null,
        terminal ? terminalColumns() : Integer.MAX_VALUE);
  }

  /**
   * Whether a file descriptor of this process is a terminal.
   *
   * @param descriptor 0 to 2
   */
  public static boolean isTerminal(int descriptor) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
          .toString()
          .matches("/dev/(pts/|tty|console).*");
    } catch (IOException e) {
      return false; // closed, or no /proc
    }
  }

  /** As stty tells: a shell knows it, too, but seldom exports it. */
  private static int terminalColumns() {
    ProcessBuilder stty =
        new ProcessBuilder("stty", "size")
            .redirectInput(Path.of("/dev/tty").toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    try (InputStream in = stty.start().getInputStream()) {
      String size = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      int columns = Integer.parseInt(size.strip().replaceFirst(".* ", ""));
      return columns > 0 ? columns : USUAL_COLUMNS; // 0: nobody told the terminal
    } catch (IOException | NumberFormatException e) {
      return USUAL_COLUMNS;
    }
  }

  /**
   * @param moving whether a line may be written over
   * @param coloured whether there are colours
   * @param columns how wide it is; {@link Integer#MAX_VALUE} where there is no width
   */
  public Screen(PrintWriter out, boolean moving, boolean coloured, int columns) {
    this.out = out;
    this.moving = moving;
    this.coloured = coloured;
    this.columns = columns;
    this.blocks = canShowBlocks();
  }

  /**
   * Whether the terminal shows more than ASCII. The launcher gives Java UTF-8 for the names of
   * files, and says in ANABRANCH_TERMINAL when the user's locale is another one.
   */
  private static boolean canShowBlocks() {
    return StandardOutput.encoding().newEncoder().canEncode("█░✔✘")
        && !"ascii".equals(System.getenv("ANABRANCH_TERMINAL"));
  }

  /** A part of a bar that is done. */
  String full() {
    return blocks ? "█" : "#";
  }

  /** A part of a bar that is not done. */
  String empty() {
    return blocks ? "░" : ".";
  }

  /** In front of what is as it should be. */
  public String good() {
    return green(blocks ? "✔ " : "ok: ");
  }

  /** In front of what is not as it should be. */
  public String bad() {
    return blocks ? "✘ " : "BAD: ";
  }

  /** Whether {@link #temporary} lines are seen. */
  public boolean moves() {
    return moving;
  }

  /** How wide it is, in characters. */
  public int columns() {
    return columns;
  }

  /** What a {@link #temporary} line has room for: in the last column, the cursor would wrap. */
  int room() {
    return columns - 1;
  }

  /** How many characters of a text are seen. */
  static int length(String text) {
    return STYLE.matcher(text).replaceAll("").length();
  }

  /** Begins at the top of an empty screen; where lines cannot be replaced, below an empty line. */
  public void again() {
    out.print(moving ? "\u001b[H\u001b[2J" : System.lineSeparator());
  }

  /** A line that stays. */
  public synchronized void line(String text) {
    out.println(clear() + text);
    out.flush();
    pending = false;
  }

  /**
   * A line that the next one replaces, which is why it is cut off where it would wrap; nothing
   * where lines cannot be replaced.
   */
  public synchronized void temporary(String text) {
    if (moving) {
      watchForTheEnd();
    }
    if (moving && !ended) {
      pending = true;
      out.print(clear() + (length(text) <= room() ? text : cut(text)));
      out.flush();
    }
  }

  /**
   * What is printed if the command is interrupted from now on.
   *
   * @param words null: nothing
   */
  public synchronized void whenInterrupted(@Nullable String words) {
    watchForTheEnd();
    lastWords = words;
  }

  /** A command that is interrupted leaves the shell's prompt a line of its own. */
  private void watchForTheEnd() {
    if (!watched) {
      watched = true;
      try {
        Runtime.getRuntime().addShutdownHook(new Thread(this::end));
      } catch (IllegalStateException e) {
        ended = true; // it is ending already
      }
    }
  }

  /** The thread that draws may still be at work. */
  private synchronized void end() {
    ended = true;
    if (lastWords != null) {
      line(lastWords);
    } else if (pending) {
      pending = false;
      out.println();
      out.flush();
    }
  }

  private String cut(String text) {
    return STYLE.matcher(text).replaceAll("").substring(0, Math.max(0, room()));
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
