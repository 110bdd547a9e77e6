// SPDX-License-Identifier: Apache-2.0

/**
 * Exports of snapshots: which extents changed, the whole snapshot as a raw image, the changed
 * extents as a file that can be applied to an older image, or a stream that a volume can be made
 * of: package {@code receive} does that.
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
 * <tr><td>{@code SharedCopy}</td>
 *     <td>when does a copy of a snapshot share blocks with its volume's image?</td></tr>
 * </table>
 */
@NullMarked
package org.anabranch.server.exports;

import org.jspecify.annotations.NullMarked;
