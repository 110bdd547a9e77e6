# SPDX-License-Identifier: Apache-2.0
"""dm-multipath over two portals under a verifying load: each portal is taken away and comes back, and I/O goes on"""

import time

from lab import load
from lab.kernel_log import LOST_PATH
from lab.open_iscsi import OpenIscsi
from lab.places import PATIENCE
from lab.processes import Failed

QUICK = True
LIMIT = 400
CONFIGURATION = """
  volumes { vm1 { path = vm1.img, size = 256 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }"""
# As docs/linux-hosts.md says it.
MULTIPATH = r"defaults {\n find_multipaths no\n user_friendly_names yes\n polling_interval 2\n no_path_retry 30\n}\n"


def take_away(server, port):
    """What an administrator does: the portal is out of the file, and its sessions end."""
    server.configure(CONFIGURATION, [other for other in server.ports if other != port])
    server.reload()
    for session in server.sessions():
        if session["portal"].endswith(f":{port}"):
            server.ask("session drop", id=session["id"])


def await_paths(guest, active, limit=60):
    end = time.monotonic() + limit * PATIENCE
    while True:
        shown = guest.run("multipathd show paths format '%d %t %o'", status=None)
        if sum("active" in line and "running" in line for line in shown.splitlines()) == active:
            return
        if time.monotonic() > end:
            raise Failed(f"not {active} active paths:\n{shown}")
        time.sleep(0.5)


def scenario(run):
    server = run.server(CONFIGURATION, portals=2)
    guest = run.local_guest("multipath", memory=768)
    initiator = OpenIscsi(guest, replacement_timeout=5)
    guest.run(f"printf '{MULTIPATH}' > /etc/multipath.conf; modprobe -a dm-multipath dm-service-time")
    for port in server.ports:
        initiator.node(port)
        initiator.log_in(port)
    for disk in ("sda", "sdb"):
        initiator.await_disk(disk)
    guest.run("multipathd; n=0; while [ ! -b /dev/mapper/mpatha ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done; multipath -ll")
    await_paths(guest, 2)
    load.make_file_system(guest, "/dev/mapper/mpatha")
    guest.tolerated.append(LOST_PATH)
    load.begin(guest, 60)
    for port in server.ports:
        time.sleep(5)  # of load
        take_away(server, port)
        time.sleep(12)  # longer than replacement_timeout, so that this path fails
        if len(server.sessions()) != 1:
            raise Failed("not one session is left")
        server.configure(CONFIGURATION)
        server.reload()
        deadline = time.monotonic() + 60 * PATIENCE
        while len(server.sessions()) != 2:
            if time.monotonic() > deadline:
                raise Failed("the initiator does not come back to the portal")
            time.sleep(0.2)
    load.end(guest, "/dev/mapper/mpatha")
    await_paths(guest, 2)
    guest.power_off()
    server.stop()
