// SPDX-License-Identifier: Apache-2.0
/**
 * The rate limits of volumes: what the configuration says, and what was said since.
 *
 * <pre>
 *   reload, start  --- configured ---&gt;  VolumeRates  --- limits ---&gt;  RateLimiter (scsi.rate)
 *   volume limit   ------ limit -----&gt;                                  one for each volume
 * </pre>
 */
@NullMarked
package org.anabranch.server.rate;

import org.jspecify.annotations.NullMarked;
