// SPDX-License-Identifier: Apache-2.0

/**
 * Configurations of other target servers, translated into our own.
 *
 * <pre>
 *   tgt    targets.conf    TargetsConf (its text) -> TgtImport, TgtStores, TgtSettings, TgtIdentity
 *          a dump          TgtDump says how it differs
 *   LIO    saveconfig.json LioObject (its JSON)   -> LioImport, LioVolumes, LioLuns, LioPortals, LioIdentity
 *   both   what was found                         ImportedConfiguration, ImportedVolume, Identities, Users, Losses
 *          what comes out                         ConfigurationWriter, SecretOutput
 * </pre>
 *
 * What initiators recognise a disk by is kept: target names, LUNs, serial numbers, designators and
 * CHAP users. What has no counterpart here is listed ({@link org.anabranch.server.imports.Losses});
 * nothing is left out silently, and no target is open to more initiators than it was.
 */
@NullMarked
package org.anabranch.server.imports;

import org.jspecify.annotations.NullMarked;
