// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What can be done with an image without opening it for requests. Each call is a client of its own,
 * which takes some 30 ms, and waits for the cluster no longer than it is told to. An {@link
 * IOException} has a message of one line that does not name the image. Any thread.
 */
public final class RbdImages {
  /**
   * What is known of an image.
   *
   * @param bytes its length
   * @param id what stays the same when it is renamed, and no other image of its pool has
   */
  public record Facts(long bytes, String id) {}

  @FunctionalInterface
  private interface Question<T> {
    T ask(RbdClient client) throws IOException;
  }

  @FunctionalInterface
  private interface Change {
    void make(RbdCluster cluster) throws IOException;
  }

  private RbdImages() {}

  /** Looks at an image; null if the cluster has none. */
  public static @Nullable Facts look(RbdImage image, long nanos) throws IOException {
    try {
      return ask(image, nanos, true, client -> new Facts(client.bytes(), client.id()));
    } catch (RbdAbsentException e) {
      return null;
    }
  }

  /** Makes an image, which reads as zeros, durably. */
  public static void make(RbdImage image, long bytes, long nanos) throws IOException {
    change(image, nanos, cluster -> cluster.make(bytes));
  }

  /** Deletes an image, durably; nothing happens when there is none. It must not be open. */
  public static void delete(RbdImage image, long nanos) throws IOException {
    change(image, nanos, RbdCluster::remove);
  }

  /** Gives an image that is not open another length, durably; what is new reads as zeros. */
  public static void resize(RbdImage image, long bytes, long nanos) throws IOException {
    ask(
        image,
        nanos,
        false,
        client -> {
          client.resize(bytes);
          return true;
        });
  }

  /** A text that an image carries; empty if it carries none of this key. */
  public static String label(RbdImage image, String key, long nanos) throws IOException {
    return ask(image, nanos, true, client -> client.label(key));
  }

  /** Lets an image that is not open carry a text, durably. */
  public static void label(RbdImage image, String key, String value, long nanos)
      throws IOException {
    ask(
        image,
        nanos,
        false,
        client -> {
          client.label(key, value);
          return true;
        });
  }

  /**
   * Changes a text that an image carries if it is as expected, in one step and durably, whoever has
   * the image open.
   *
   * @param expected empty: also when it carries none of this key
   * @return whether it was
   * @throws IOException when it is not known whether it was changed, too
   */
  public static boolean exchange(
      RbdImage image, String key, String expected, String value, long nanos) throws IOException {
    return ask(image, nanos, true, client -> client.exchange(key, expected, value));
  }

  private static <T> T ask(RbdImage image, long nanos, boolean readOnly, Question<T> question)
      throws IOException {
    CephLibraries.load();
    return Patience.await(
        nanos,
        "rbd call " + image.spec(),
        () -> {
          try (RbdClient client =
              RbdClient.open(image, RbdOptions.DEFAULT.withReadOnly(readOnly), 0)) {
            return question.ask(client);
          }
        },
        late -> {});
  }

  private static void change(RbdImage image, long nanos, Change change) throws IOException {
    CephLibraries.load();
    Patience.await(
        nanos,
        "rbd call " + image.spec(),
        () -> {
          try (RbdCluster cluster = RbdCluster.connect(image)) {
            change.make(cluster);
            return true;
          }
        },
        late -> {});
  }
}
