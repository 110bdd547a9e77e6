// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.state;

/** How {@link VolumeRecord} says which file an image is: {@code 2049:131074}. */
public final class FileId {
  private FileId() {}

  /**
   * The identity of a file. Numbers of file systems without a disk of their own, such as NFS's,
   * differ at each mount: they count as one.
   *
   * @param device number of the file system; -1 for what has no identity, such as a block device
   * @param inode number of the file
   */
  public static String of(long device, long inode) {
    boolean isAnonymous = device >>> 8 == 0; // major number 0
    return inode == -1 ? "" : (isAnonymous ? 0 : device) + ":" + inode;
  }
}
