// SPDX-License-Identifier: Apache-2.0
/**
 * Exception stores: where a snapshot keeps the chunks that differ from its origin, and the list of
 * them.
 *
 * <p>An <em>exception</em> says that chunk {@code old} of the origin is stored in chunk {@code new}
 * of the COW device. {@link org.anabranch.block.store.ExceptionTable} holds them in memory; an
 * {@link org.anabranch.block.store.ExceptionStore} allocates chunks and makes exceptions durable:
 * {@link org.anabranch.block.store.PersistentStore} in Linux's on-disk format ({@link
 * org.anabranch.block.store.StoreLayout}), {@link org.anabranch.block.store.TransientStore} in
 * memory only. {@link org.anabranch.block.store.StoreScan} reads and checks a store, live or
 * offline.
 */
@NullMarked
package org.anabranch.block.store;

import org.jspecify.annotations.NullMarked;
