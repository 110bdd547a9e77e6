// SPDX-License-Identifier: Apache-2.0

/**
 * Exports of snapshots: which extents changed, the whole snapshot as a raw image, the changed
 * extents as a file that can be applied to an older image, or a stream that a volume can be made
 * of.
 *
 * <table>
 * <caption>Files</caption>
 * <tr><td>{@link org.anabranch.server.exports.ChangedExtents}</td>
 *     <td>where does a snapshot differ?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.Exports}</td>
 *     <td>what happens to an export while I/O goes on, when it is interrupted, at a stop?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.DeltaFormat}</td>
 *     <td>what is in a file of changed extents, byte for byte?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.DeltaImport}</td>
 *     <td>what is checked before such a file changes anything?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.StreamHeader}</td>
 *     <td>what does a stream say of itself?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.VolumeImports}</td>
 *     <td>what is a volume after an import that was cut off, or a crash in its middle?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.StreamFit}</td>
 *     <td>which streams are refused for a volume?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.StreamApplication}</td>
 *     <td>how is a stream written to its volume?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.NewVolumes}</td>
 *     <td>how does a stream make a volume that is not there?</td></tr>
 * </table>
 */
@NullMarked
package org.anabranch.server.exports;

import org.jspecify.annotations.NullMarked;
