// SPDX-License-Identifier: Apache-2.0
/**
 * Backups of what a server must remember: the small files of its state directory in one file that
 * says itself what it is. Images and stores are not in it.
 *
 * <pre>
 *   StateFiles     which files these are
 *   StateArchive   the text of a backup, and what is checked when it is read
 *   StateBackup    makes one, of a folder that nobody uses or that a server uses
 *   StateRestore   puts one back, all of it or nothing
 * </pre>
 */
@NullMarked
package org.anabranch.server.backup;

import org.jspecify.annotations.NullMarked;
