// SPDX-License-Identifier: Apache-2.0

/**
 * Reads HOCON into the records of {@link org.anabranch.config}, with all errors at once.
 *
 * <pre>
 *   the way in                                       ConfigurationFile
 *   the file as a whole; a new section               ConfigurationReader
 *   volumes, devices / targets / chap / portals      VolumeReader, TargetReader, ChapReader, PortalReader
 *   a secret, and who can read the file it is in     SecretReader, ReadableSecrets, FileReaders
 *   what a value may look like                       ValueFormat, DataSize
 *   one object, key by key; unknown keys             Section
 *   errors and warnings with their lines             Problems
 *   what HOCON accepts and nobody means              RepeatedKeys, MissingQuotes
 *   include "conf.d/*.conf"                          IncludedFiles
 * </pre>
 */
@NullMarked
package org.anabranch.config.reader;

import org.jspecify.annotations.NullMarked;
