// SPDX-License-Identifier: Apache-2.0
@NullMarked
package org.anabranch.server.storage.remote;

import org.jspecify.annotations.NullMarked;
