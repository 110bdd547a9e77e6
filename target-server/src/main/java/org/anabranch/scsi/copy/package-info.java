// SPDX-License-Identifier: Apache-2.0
/**
 * EXTENDED COPY and RECEIVE COPY RESULTS (SPC-4 6.4, 6.31): {@code CopyList} parses what to copy,
 * {@code CopyOperation} copies it, {@code CopyResults} keeps what became of it.
 */
@NullMarked
package org.anabranch.scsi.copy;

import org.jspecify.annotations.NullMarked;
