// SPDX-License-Identifier: Apache-2.0
package org.anabranch.server.imports;

import org.anabranch.config.IdentityConfig;
import org.jspecify.annotations.Nullable;

/**
 * A file or block device that another server exports.
 *
 * @param name of the volume
 * @param path absolute
 * @param bytes the least length; null: as long as the file is
 * @param blockSize the logical block, bytes: 512 or 4096
 * @param physicalBlockSize bytes; null: not stated
 * @param readOnly initiators cannot write
 * @param removable the medium is reported as removable
 * @param identity what initiators recognise the disk by
 */
record ImportedVolume(
    String name,
    String path,
    @Nullable Long bytes,
    int blockSize,
    @Nullable Integer physicalBlockSize,
    boolean readOnly,
    boolean removable,
    IdentityConfig identity) {}
