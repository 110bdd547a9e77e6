// SPDX-License-Identifier: Apache-2.0

/**
 * Imports of streams into volumes.
 *
 * <table>
 * <caption>Files</caption>
 * <tr><td>{@link org.anabranch.server.exports.receive.VolumeImports}</td>
 *     <td>what is a volume after an import that was cut off, or a crash in its middle?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.receive.NewVolumes}</td>
 *     <td>how does a stream make a volume that is not there?</td></tr>
 * <tr><td>{@code StreamFit}</td>
 *     <td>which streams are refused for a volume?</td></tr>
 * <tr><td>{@code ReceivedStream}</td>
 *     <td>where is a stream kept until it is applied?</td></tr>
 * <tr><td>{@code StreamApplication}</td>
 *     <td>how is a stream written to its volume?</td></tr>
 * <tr><td>{@link org.anabranch.server.exports.receive.LeftStreams}</td>
 *     <td>what becomes of a stream whose volume is not served?</td></tr>
 * </table>
 */
@NullMarked
package org.anabranch.server.exports.receive;

import org.jspecify.annotations.NullMarked;
