# SPDX-License-Identifier: Apache-2.0
"""dm-multipath over two portals under a verifying load: each portal is taken away and comes back, and I/O goes on"""

import time

from lab import load
from lab.kernel_log import LOST_PATH
from lab.multipath import MAP, Multipath
from lab.open_iscsi import OpenIscsi
from lab.places import PATIENCE
from lab.processes import Failed

QUICK = True
LIMIT = 400
CONFIGURATION = """
  volumes { vm1 { path = vm1.img, size = 256 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }"""
# As docs/linux-hosts.md says it.
MULTIPATH = """
defaults {
  find_multipaths      no
  user_friendly_names  yes
  polling_interval     2
  no_path_retry        30
}"""


def take_away(server, port):
    """What an administrator does: the portal is out of the file, and its sessions end."""
    server.configure(CONFIGURATION, [other for other in server.ports if other != port])
    server.reload()
    for session in server.sessions():
        if session["portal"].endswith(f":{port}"):
            server.ask("session drop", id=session["id"])


def scenario(run):
    server = run.server(CONFIGURATION, portals=2)
    guest = run.local_guest("multipath", memory=768)
    initiator = OpenIscsi(guest, replacement_timeout=5)
    multipath = Multipath(guest, MULTIPATH)
    for port in server.ports:
        initiator.node(port)
        initiator.log_in(port)
    for disk in ("sda", "sdb"):
        initiator.await_disk(disk)
    multipath.start()
    multipath.await_active(2)
    load.make_file_system(guest, MAP)
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
    load.end(guest, MAP)
    multipath.await_active(2)
    guest.power_off()
    server.stop()
