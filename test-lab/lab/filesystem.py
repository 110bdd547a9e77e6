# SPDX-License-Identifier: Apache-2.0
"""File systems in images, looked at from outside by e2fsprogs."""

import re

from .processes import Failed, command

PARTITION = 2048 * 512  # bytes before the root's file system in a disk

# ext4 writes the superblock's counters when it is unmounted, and counts anew when it is mounted after a crash.
_COUNTERS = re.compile(r"Free (inodes|blocks) count wrong \(")


def check(image, offset=0):
    """On a copy: replays the journal as a mount would, after which e2fsck must find nothing. offset: of the file system, whole MiB."""
    scratch = image.with_suffix(".fsck")  # of the file system alone: e2fsck replays no journal at an offset
    try:
        command("dd", f"if={image}", f"of={scratch}", "bs=1M", f"skip={offset >> 20}", "conv=sparse", "status=none")
        printed = command("e2fsck", "-p", scratch, status=None)
        if "UNEXPECTED INCONSISTENCY" in printed or "still has errors" in printed:
            raise Failed(f"{image.name}: {printed}")
        printed = command("e2fsck", "-fn", scratch, status=None)
        lines = printed.splitlines()
        problems = [(before, line) for before, line in zip([""] + lines, lines) if line.endswith("? no") and not _COUNTERS.search(before + line)]
        if problems or not any(line.startswith("Pass 5") for line in lines):
            raise Failed(f"{image.name}: {printed}")
    finally:
        scratch.unlink()


def listing(image, folder="/"):
    """Sizes of the files of a folder, by name."""
    printed = command("debugfs", "-R", f"ls -l {folder}", image)
    return {name: int(size) for size, name in re.findall(r"^ *\d+ +\d+ +\(\d+\) +\d+ +\d+ +(\d+) +\d+-\w+-\d+ +\d+:\d+ (\S+)", printed, re.M)}
