// SPDX-License-Identifier: Apache-2.0

/**
 * Images that are files or block devices of this machine, as {@link
 * org.anabranch.server.storage.VolumeBackend}. Nobody else takes a volume's source for a path.
 *
 * <pre>
 *   FileBackend         addresses are paths; which file is which
 *   FileImage           make, extend, measure, recognise and open a volume's file
 *   ImageLabel          what a file says of itself in an extended attribute
 *   ExtendedAttribute   one such attribute
 *   FilePreview         a file's contents for a rehearsal
 *   FileSystemSpace     warnings of file systems that are nearly full
 *   StoresAsImages      warnings of stores that are configured as disks
 * </pre>
 */
@NullMarked
package org.anabranch.server.storage.file;

import org.jspecify.annotations.NullMarked;
