// SPDX-License-Identifier: Apache-2.0
package org.anabranch.config.source;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An image of Ceph's block device (RBD). Its address has the form that QEMU gives such images:
 * {@code rbd:POOL/IMAGE:id=USER:conf=PATH}, without what is {@link #CONF} and {@link #USER}.
 *
 * @param conf the absolute path of the cluster's {@code ceph.conf}
 * @param user the name of Ceph's user, without {@code client.}
 * @param pool the pool's name
 * @param namespace the namespace within the pool; empty for the default one
 * @param image the image's name
 */
public record RbdSource(String conf, String user, String pool, String namespace, String image)
    implements VolumeSource {
  /** Where Ceph keeps its configuration. */
  public static final String CONF = "/etc/ceph/ceph.conf";

  /** Ceph's administrator. */
  public static final String USER = "admin";

  /** What {@link #of} takes, in words. */
  public static final String FORM =
      "POOL/IMAGE or POOL/NAMESPACE/IMAGE, each of letters, digits, '.', '_', '+' and '-'";

  private static final String PREFIX = "rbd:";
  private static final String NAME = "[A-Za-z0-9._+-]{1,96}";
  private static final Pattern SPEC =
      Pattern.compile("(" + NAME + ")/(?:(" + NAME + ")/)?(" + NAME + ")");
  private static final Pattern ADDRESS =
      Pattern.compile(PREFIX + "([^:]*)(?::id=([^:]+))?(?::conf=(/.*))?");

  /** Whether a word is meant as the address of such an image, right or wrong. */
  public static boolean isMeant(String address) {
    return address.startsWith(PREFIX);
  }

  /** The image that a specification means; null if it is not of the {@link #FORM}. */
  public static @Nullable RbdSource of(String spec, String conf, String user) {
    Matcher names = SPEC.matcher(spec);
    if (!names.matches()) {
      return null;
    }
    String namespace = names.group(2);
    return new RbdSource(
        conf, user, names.group(1), namespace == null ? "" : namespace, names.group(3));
  }

  /** Reads an {@link #address}; null if it is none. */
  public static @Nullable RbdSource parse(String address) {
    Matcher parts = ADDRESS.matcher(address);
    if (!parts.matches()) {
      return null;
    }
    String user = parts.group(2);
    String conf = parts.group(3);
    return of(parts.group(1), conf == null ? CONF : conf, user == null ? USER : user);
  }

  /** The image as the command {@code rbd} names it. */
  public String spec() {
    return pool + "/" + (namespace.isEmpty() ? "" : namespace + "/") + image;
  }

  @Override
  public String address() {
    return PREFIX
        + spec()
        + (user.equals(USER) ? "" : ":id=" + user)
        + (conf.equals(CONF) ? "" : ":conf=" + conf);
  }

  @Override
  public String key() {
    return "rbd";
  }

  @Override
  public String keys() {
    return "rbd, or conf and user of ceph,";
  }
}
