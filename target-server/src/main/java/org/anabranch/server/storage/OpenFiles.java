// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.TreeMap;
import org.anabranch.block.BackingDevice;
import org.anabranch.block.dm.PathOpener;
import org.jspecify.annotations.Nullable;

/** The images and files that are open, by address, as another opener opened them. Any thread. */
public final class OpenFiles implements PathOpener {
  private final PathOpener opener;

  /** The latest for each address. Weak, so that closed devices are released. Guarded by itself. */
  private final Map<String, WeakReference<BackingDevice>> files = new TreeMap<>();

  OpenFiles(PathOpener opener) {
    this.opener = opener;
  }

  @Override
  public Object identity(String path) throws IOException {
    return opener.identity(path);
  }

  @Override
  public BackingDevice open(String path) throws IOException {
    BackingDevice file = opener.open(path);
    synchronized (files) {
      files.values().removeIf(each -> each.get() == null);
      files.put(path, new WeakReference<>(file));
    }
    return file;
  }

  /** Those that are open, and some that were closed a short time ago; by path. */
  public Map<String, BackingDevice> all() {
    Map<String, BackingDevice> open = new TreeMap<>();
    synchronized (files) {
      files.forEach((path, reference) -> {
        @Nullable BackingDevice file = reference.get();
        if (file != null) {
          open.put(path, file);
        }
      });
    }
    return open;
  }
}
