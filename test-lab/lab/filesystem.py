# SPDX-License-Identifier: Apache-2.0
"""File systems in images, looked at from outside by e2fsprogs."""

import re

from .processes import Failed, command

PARTITION = 2048 * 512  # bytes before the root's file system in a disk


def copy(image, to):
    command("cp", "--sparse=always", image, to)
    return to


def check(image, offset=0):
    """On a copy: replays the journal as a mount would, after which e2fsck must find nothing."""
    scratch = copy(image, image.with_suffix(".fsck"))
    device = f"{scratch}?offset={offset}" if offset else str(scratch)
    try:
        printed = command("e2fsck", "-p", device, status=None)
        if "UNEXPECTED INCONSISTENCY" in printed:
            raise Failed(f"{image.name}: {printed}")
        command("e2fsck", "-fn", device)
    finally:
        scratch.unlink()


def listing(image, folder="/"):
    """Sizes of the files of a folder, by name."""
    printed = command("debugfs", "-R", f"ls -l {folder}", image)
    return {name: int(size) for size, name in re.findall(r"^ *\d+ +\d+ +\(\d+\) +\d+ +\d+ +(\d+) +\d+-\w+-\d+ +\d+:\d+ (\S+)", printed, re.M)}
