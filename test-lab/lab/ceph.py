# SPDX-License-Identifier: Apache-2.0
"""One node of Ceph for a scenario. It ends with the scenario's process, even when that is killed."""

import subprocess
import tempfile

from .places import CEPH, PATIENCE
from .processes import Failed, Skipped

UP_SECONDS = 120
DOWN_SECONDS = 60
_NOT_INSTALLED = 77


class Ceph:
    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="anabranch-ceph-")  # a short path, for the sake of sockets
        # The daemons are nobody's children. This process outlives ours, sees its end as the end of its input, and ends them.
        self._guard = subprocess.Popen(["sh", "-c", 'read -r _; exec "$0" down "$1"', CEPH, self._folder], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def up(self):
        """Starts it; the path of its ceph.conf."""
        done = subprocess.run([CEPH, "up", self._folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=UP_SECONDS * PATIENCE)
        if done.returncode == _NOT_INSTALLED:
            raise Skipped(done.stderr.strip())
        if done.returncode != 0:
            raise Failed(f"Ceph does not start: {done.stderr}")
        return done.stdout.strip()

    def down(self):
        """Ends it, and removes its files."""
        self._guard.stdin.close()
        self._guard.wait(DOWN_SECONDS * PATIENCE)
