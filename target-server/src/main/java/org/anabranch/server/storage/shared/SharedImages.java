// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.storage.shared;

import java.io.IOException;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.anabranch.server.base.RefusedException;
import org.anabranch.server.base.SharedEntries;
import org.jspecify.annotations.Nullable;

/**
 * The shared snapshots of volumes, as texts that their images carry.
 *
 * @param images the image of an open volume; null when it is no shared one
 */
public record SharedImages(Function<String, @Nullable SharedImage> images)
    implements SharedEntries {
  private SharedImage image(String volume) throws RefusedException {
    SharedImage image = images.apply(volume);
    if (image == null) {
      throw new RefusedException("volume " + volume + " is not open as one that servers share");
    }
    return image;
  }

  @Override
  public String read(String volume) throws RefusedException {
    try {
      return image(volume).label(SharedImage.STATE);
    } catch (IOException e) {
      throw new RefusedException("volume " + volume + ": " + e.getMessage(), e);
    }
  }

  @Override
  public String look(String volume) throws RefusedException {
    try {
      return image(volume).look(SharedImage.STATE);
    } catch (IOException e) {
      throw new RefusedException("volume " + volume + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void write(String volume, String text) throws RefusedException {
    try {
      image(volume).label(SharedImage.STATE, text);
    } catch (IOException e) {
      throw new RefusedException(
          "volume " + volume + ": its snapshots cannot be recorded: " + e.getMessage(), e);
    }
  }

  @Override
  public UnaryOperator<String> common(String volume) throws RefusedException {
    return image(volume)::common;
  }

  @Override
  public UnaryOperator<String> address(String volume) throws RefusedException {
    return image(volume)::address;
  }

  @Override
  public String removal(String volume) throws RefusedException {
    return image(volume).removal(SharedImage.STATE);
  }
}
