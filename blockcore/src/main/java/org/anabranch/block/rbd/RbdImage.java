// SPDX-License-Identifier: Apache-2.0
package org.anabranch.block.rbd;

/**
 * Which image, of which cluster. Equal values are the same image.
 *
 * @param conf the path of the cluster's {@code ceph.conf}
 * @param user the user's name without {@code client.}, such as {@code admin}
 * @param pool the pool's name
 * @param namespace the namespace within the pool; empty for the default one
 * @param name the image's name
 */
public record RbdImage(String conf, String user, String pool, String namespace, String name) {
  /** As the command {@code rbd} has it: {@code pool/name} or {@code pool/namespace/name}. */
  public String spec() {
    return pool + "/" + (namespace.isEmpty() ? "" : namespace + "/") + name;
  }
}
