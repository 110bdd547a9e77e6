// SPDX-License-Identifier: Apache-2.0
/** Tests of hooks that need their insides. */
@org.jspecify.annotations.NullMarked
package org.anabranch.server.hooks;
