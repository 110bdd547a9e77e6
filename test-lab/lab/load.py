# SPDX-License-Identifier: Apache-2.0
"""A load of random reads and writes on a file system in a guest, which verifies all that it wrote (guest/verifying-load)."""


def make_file_system(guest, device):
    guest.run(f"mkfs.ext4 -q -F {device} && mount {device} /mnt")


def begin(guest, seconds):
    guest.send(f"verifying-load /mnt {seconds}")


def end(guest, device, limit=300):
    """Waits for its end. Nothing that it read was wrong, and the file system is sound."""
    guest.answer(limit=limit)
    guest.run(f"umount /mnt && e2fsck -fn {device}")
