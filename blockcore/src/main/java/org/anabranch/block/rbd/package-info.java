// SPDX-License-Identifier: Apache-2.0
/**
 * Images of Ceph's block device (RBD) as block devices, by Ceph's own libraries librados and
 * librbd. They are loaded when the first image is opened or looked at, and never before.
 *
 * <pre>
 *   SharedRbdDevice  an image that several servers serve, one at a time: active, standby, fenced
 *   RbdDevice      the block device: accepts requests, completes them, is resized and closed
 *   RbdQueue       requests that wait, that librbd has, and that it did not answer in time
 *   RbdRequest     one request, and the memory that librbd uses for it
 *   RbdEvents      the thread that takes librbd's answers
 *   RbdClient      a client of a cluster with one image open: its lock, length, labels, extents
 *   RbdCluster     a client of a cluster: makes, deletes and opens images
 *   LockHolder     which process has an image's lock, and whether it is dead
 *   RbdImages      what is done with images that are not open
 *   RbdErrors      what an error number of Ceph means
 *   Patience       calls that may never return, and those who wait for them
 *   Librados, Librbd, Libc   the functions that are called, as C has them
 *   CephLibraries  loads the libraries
 * </pre>
 *
 * <p>The libraries' threads never run code of ours: librbd puts answers into a queue of the image
 * and signals an eventfd, for which {@link org.anabranch.block.rbd.RbdEvents} waits.
 */
@NullMarked
package org.anabranch.block.rbd;

import org.jspecify.annotations.NullMarked;
