// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.control;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.anabranch.server.base.Warning;
import org.anabranch.server.base.WarningSource;
import org.anabranch.server.state.StateDirectory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The group whose members may use the control socket ({@code control-group}).
 *
 * <pre>
 *              without a group      with one
 *   socket     0600                 0660, of the group
 *   folder     as it was            of the group, which may pass through it (x) and not list it,
 *                                   unless it is the group's already and lets it through
 * </pre>
 *
 * All that the server makes in the folder has mode 0600, so that who passes through it reaches the
 * socket alone. A group that cannot be set is a warning: the server goes on for its own user and
 * root.
 */
final class SocketGroup implements WarningSource {
  private static final Logger LOG = LoggerFactory.getLogger(SocketGroup.class);

  private final Path folder;

  /** What the folder was before a group was let through; null: as it is. Guarded by this. */
  private @Nullable PosixFileAttributes before;

  private volatile @Nullable Warning warning;

  /**
   * @param folder the folder of the socket
   */
  SocketGroup(Path folder) {
    this.folder = folder;
  }

  /** Sets group and mode of the socket and its folder; null: no group. */
  synchronized void apply(Path socket, @Nullable String name) throws IOException {
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
    restoreFolder();
    warning = null;
    if (name == null) {
      return;
    }
    try {
      GroupPrincipal group =
          folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByGroupName(name);
      view(socket).setGroup(group);
      letThrough(group);
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
    } catch (UserPrincipalNotFoundException e) {
      warn(name, "there is no such group", "make the group, then anabranch reload");
    } catch (FileSystemException e) {
      warn(
          name,
          "its members cannot use the control socket: " + StateDirectory.reason(e),
          "make the server's user a member of the group (usermod -aG "
              + name
              + " USER), restart"
              + " the server");
    }
  }

  private void warn(String group, String text, String remedy) {
    Warning now = new Warning("control-group " + group, text, remedy);
    warning = now;
    LOG.warn("{}", now);
  }

  /** The group passes through the folder; the rights of others stay. */
  private void letThrough(GroupPrincipal group) throws IOException {
    PosixFileAttributes now = view(folder).readAttributes();
    if (now.group().equals(group)
        && now.permissions().contains(PosixFilePermission.GROUP_EXECUTE)) {
      return;
    }
    Set<PosixFilePermission> mode = EnumSet.noneOf(PosixFilePermission.class);
    mode.addAll(now.permissions());
    mode.remove(PosixFilePermission.GROUP_READ);
    mode.remove(PosixFilePermission.GROUP_WRITE);
    mode.add(PosixFilePermission.GROUP_EXECUTE);
    view(folder).setGroup(group);
    Files.setPosixFilePermissions(folder, mode);
    before = now;
  }

  private void restoreFolder() throws IOException {
    if (before != null) {
      Files.setPosixFilePermissions(folder, before.permissions());
      view(folder).setGroup(before.group());
      before = null;
    }
  }

  private static PosixFileAttributeView view(Path file) {
    return Objects.requireNonNull(
        Files.getFileAttributeView(file, PosixFileAttributeView.class), "no modes here");
  }

  @Override
  public List<Warning> warnings() {
    Warning now = warning;
    return now == null ? List.of() : List.of(now);
  }
}
