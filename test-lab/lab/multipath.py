# SPDX-License-Identifier: Apache-2.0
"""dm-multipath in a guest: its configuration, its paths and their states."""

import time

from .places import PATIENCE
from .processes import Failed

MAP = "/dev/mapper/mpatha"


class Multipath:
    def __init__(self, guest, configuration):
        """configuration: the lines of multipath.conf."""
        self._guest = guest
        text = configuration.strip().replace("\n", "\\n")
        guest.run(f"printf '{text}\\n' > /etc/multipath.conf; modprobe -a dm-multipath dm-service-time")
        guest.run("modprobe scsi_dh_alua", status=None)  # cloud kernels have none: there the daemon alone follows the access states

    def start(self):
        """Starts the daemon, and waits for the map."""
        self._guest.run(f"multipathd; n=0; while [ ! -b {MAP} ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done; multipath -ll")

    def stop(self):
        """Gives the map up."""
        # udev looks at a disk that was closed just now, and has it open.
        self._guest.run("multipathd shutdown; n=0; until multipath -f mpatha; do sleep 0.2; n=$((n + 1)); [ $n -lt 100 ] || break; done; [ ! -b %s ]" % MAP)

    def paths(self):
        """For each path: device, state for device-mapper, state for the checker, state of the device, priority."""
        return [line.split() for line in self._guest.run("multipathd show paths raw format '%d %t %T %o %p'", status=None).splitlines()]

    def await_paths(self, what, true, limit=60):
        """Waits until something is true of the list of all paths."""
        end = time.monotonic() + limit * PATIENCE
        while True:
            paths = self.paths()
            if true(paths):
                return
            if time.monotonic() > end:
                raise Failed(f"not {what} within {limit} s: {paths}\n{self._guest.run('multipath -ll', status=None)}")
            time.sleep(0.5)

    def await_active(self, count):
        """Waits until so many paths are active, and run."""
        self.await_paths(f"{count} active paths", lambda paths: sum(path[1] == "active" and path[3] == "running" for path in paths) == count)
