// SPDX-License-Identifier: Apache-2.0
/**
 * Event loops that no system call holds up: a loop belongs to no thread for good. {@link
 * org.anabranch.iscsi.loop.RelievedLoop} leaves itself for calls that may block, {@link
 * org.anabranch.iscsi.loop.LoopWatch} notices when one does, and a thread that stands by goes on
 * with the loop. {@link org.anabranch.iscsi.loop.RelievedLoops} is a group of them for Netty.
 */
@NullMarked
package org.anabranch.iscsi.loop;

import org.jspecify.annotations.NullMarked;
