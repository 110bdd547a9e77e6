// SPDX-License-Identifier: Apache-2.0
/**
 * A file system that a power cut takes back: {@code CrashProvider} stands in for the JDK's own in a
 * process of its own, so nothing that the server does with files bypasses it. {@code CrashDisk}
 * knows what of a folder is durable and makes the folder that a cut leaves.
 */
@org.jspecify.annotations.NullMarked
package org.anabranch.server.life.disk;
