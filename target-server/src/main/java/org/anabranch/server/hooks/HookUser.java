// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.hooks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.anabranch.server.base.RefusedException;
import org.jspecify.annotations.Nullable;

/** Who runs a hook. Any thread that may wait. */
final class HookUser {
  private static final Path SELF = Path.of("/proc/self");
  private static final long PATIENCE_SECONDS = 10;

  /** CAP_KILL, CAP_SETGID, CAP_SETUID: see capabilities(7). */
  private static final long NEEDED = (1L << 5) | (1L << 6) | (1L << 7);

  private HookUser() {}

  /**
   * What stands in front of a program so that a user runs it.
   *
   * @param user null: the one that runs the server
   * @throws RefusedException when this server cannot do that
   */
  static List<String> prefix(@Nullable String user) throws RefusedException {
    if (user == null || isOwn(user)) {
      return List.of();
    }
    if (!mayBecomeOthers()) {
      throw new RefusedException(
          "user "
              + user
              + " cannot run hooks: the server runs as "
              + own().getName()
              + " without the capabilities that it takes to run programs as somebody else:"
              + " CAP_SETUID, CAP_SETGID and CAP_KILL; docs/hooks.md says how a service gets them");
    }
    return List.of(
        "setpriv",
        "--reuid=" + user,
        "--regid=" + group(user),
        "--init-groups",
        "--inh-caps=-all",
        "--");
  }

  private static boolean isOwn(String user) throws RefusedException {
    try {
      UserPrincipal stated =
          FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(user);
      return stated.equals(own());
    } catch (UserPrincipalNotFoundException e) {
      throw new RefusedException("there is no user " + user + " to run hooks", e);
    } catch (IOException e) {
      throw new RefusedException("user " + user + " cannot be looked up: " + e.getMessage(), e);
    }
  }

  private static UserPrincipal own() throws RefusedException {
    try {
      return Files.getOwner(SELF);
    } catch (IOException e) {
      throw new RefusedException("the server's own user is not known: " + e.getMessage(), e);
    }
  }

  /**
   * Whether this process may change to another user, and end programs of that user. Root passes its
   * capabilities on to what it executes; another user passes on those that are ambient. Root has
   * none of them where a service's CapabilityBoundingSet leaves them out.
   */
  private static boolean mayBecomeOthers() throws RefusedException {
    try {
      boolean root = Files.getAttribute(SELF, "unix:uid").equals(0);
      String set = root ? "CapEff:" : "CapAmb:";
      for (String line : Files.readAllLines(SELF.resolve("status"))) {
        if (line.startsWith(set)) {
          return (Long.parseUnsignedLong(line.substring(set.length()).strip(), 16) & NEEDED)
              == NEEDED;
        }
      }
      return false;
    } catch (IOException e) {
      throw new RefusedException("the server's own user is not known: " + e.getMessage(), e);
    }
  }

  /** The number of a user's group. */
  private static String group(String user) throws RefusedException {
    try {
      Process id =
          new ProcessBuilder("id", "-g", "--", user)
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!id.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        id.destroyForcibly();
        throw new RefusedException("the group of user " + user + " was not found in time");
      }
      String group =
          new String(id.getInputStream().readNBytes(64), StandardCharsets.US_ASCII).strip();
      if (id.exitValue() != 0 || !group.matches("[0-9]+")) {
        throw new RefusedException("the group of user " + user + " is not known");
      }
      return group;
    } catch (IOException e) {
      throw new RefusedException("the group of user " + user + " is not known: " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RefusedException("interrupted", e);
    }
  }
}
