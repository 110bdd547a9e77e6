// SPDX-License-Identifier: Apache-2.0
/**
 * What the backends share whose images are behind other programs, such as NBD servers and Ceph
 * clusters, which may not answer.
 */
@NullMarked
package org.anabranch.server.storage.remote;

import org.jspecify.annotations.NullMarked;
