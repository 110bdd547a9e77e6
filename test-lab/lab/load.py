# SPDX-License-Identifier: Apache-2.0
"""A load of random reads and writes on a file system or a disk in a guest, which verifies all that it wrote (guest/verifying-load)."""

import time

from .places import PATIENCE
from .processes import Failed

WRITERS = 4
_NOTES = "/run/load"


def make_file_system(guest, device):
    guest.run(f"mkfs.ext4 -q -F {device} && mount {device} /mnt")


def begin(guest, seconds):
    guest.send(f"verifying-load /mnt {seconds}")


def end(guest, device, limit=300):
    """Waits for its end. Nothing that it read was wrong, and the file system is sound."""
    guest.answer(limit=limit)
    guest.run(f"umount /mnt && e2fsck -fn {device}")


class Watched:
    """The load on a disk itself, by synchronous writes, in the background of the guest: how long its writers wait can be seen meanwhile."""

    def __init__(self, guest, device, seconds):
        """seconds: when it ends by itself."""
        self._guest = guest
        guest.run(f"mkdir {_NOTES}; verifying-load -n {_NOTES} {device} {seconds} > {_NOTES}/said & load=$!")
        self.await_writes(1)

    def now(self):
        """The guest's clock, in seconds."""
        return float(self._guest.run("cat /proc/uptime").split()[0])

    def _count(self):
        """How many writes the slowest writer has done."""
        counts = self._guest.run(f"cut -d' ' -f1 {_NOTES}/last.? 2>/dev/null", status=None).split()
        return min(map(int, counts)) if len(counts) == WRITERS else 0

    def await_writes(self, more, limit=120):
        """Waits until each writer has done so many more writes."""
        deadline = time.monotonic() + limit * PATIENCE
        goal = self._count() + more
        while self._count() < goal:
            if time.monotonic() > deadline:
                said = self._guest.run(f"head {_NOTES}/said {_NOTES}/last.?; tail -n 3 {_NOTES}/waits.?", status=None)
                raise Failed(f"not every writer has done {more} writes within {limit} s: {said}")
            time.sleep(0.3)

    def longest_wait(self, since):
        """The seconds of the longest operation that ended after a time."""
        return float(self._guest.run(f"cat {_NOTES}/waits.? | awk '$2 > {since} && $2 - $1 > most {{ most = $2 - $1 }} END {{ print most + 0 }}'"))

    def end(self, limit=300):
        """Ends it. Nothing that it read was wrong."""
        self._guest.run(f"touch {_NOTES}/stop; wait $load; s=$?; cat {_NOTES}/said; (exit $s)", limit=limit)
