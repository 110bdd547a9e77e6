// SPDX-License-Identifier: Apache-2.0

/**
 * Volumes and devices of a configuration, as mapped devices over images.
 *
 * <pre>
 *   Storage             opens, resizes and removes volumes and configured devices
 *   MappedDevices       the mapped devices, in the order in which they were made
 *   ImageTroubles       open images that were cut or deleted from outside
 *   ReturningVolumes    volumes that a reload adds with the snapshots that they have
 *   VolumeBackend       what a kind of image must be able to do; VolumeImage, ImageFacts
 *   Backends            which backend has a source or an address
 *   VolumeOpener        opens what tables name; a volume's image as the volume is configured
 *   VolumeLength        makes or extends an image; how long a volume is
 *   KnownImages         whether an image is the volume's
 *   LeftOut             what is not served, and why
 *   Rehearsal           the tables of a configuration, tried without changing anything
 *   GrowingFiles        the stores of snapshots, which grow by themselves
 * </pre>
 *
 * <p>Only images of volumes are behind {@link org.anabranch.server.storage.VolumeBackend}. The
 * stores of snapshots are files in the state directory: the server alone makes, grows and deletes
 * them, they have no place in the configuration, nobody brings another one in their place on
 * purpose, and they have to be found and read without a server ({@code cow check}). Of all that a
 * backend does they would use two calls, make and open. So they stay outside, in two classes:
 * {@code StoreFile} makes, lists and deletes them, {@link
 * org.anabranch.server.storage.GrowingFiles} opens them. A server without a disk of its own needs
 * stores beside its images: it gets a second, smaller interface in the place of these two, and the
 * backends that can offer it.
 */
@NullMarked
package org.anabranch.server.storage;

import org.jspecify.annotations.NullMarked;
