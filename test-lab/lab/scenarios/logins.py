# SPDX-License-Identifier: Apache-2.0
"""open-iscsi logs in and out a hundred times; nothing is left of it"""

from lab.open_iscsi import HOST, OpenIscsi
from lab.processes import Failed
from lab.server import IQN

QUICK = False
LIMIT = 400
CONFIGURATION = """
  volumes { vm1 { path = vm1.img, size = 64 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }"""


def scenario(run):
    server = run.server(CONFIGURATION)
    guest = run.local_guest("logins")
    initiator = OpenIscsi(guest)
    initiator.node(server.port)
    node = f"iscsiadm -m node -T {IQN}vm1 -p {HOST}:{server.port}"
    guest.run(f"for i in $(seq 100); do {node} -l > /dev/null && {node} -u > /dev/null || break; done; [ $i = 100 ]", limit=360)
    if server.sessions():
        raise Failed(f"sessions are left: {server.sessions()}")
    initiator.log_in(server.port)
    initiator.await_disk()
    initiator.log_out(server.port)
    guest.power_off()
    server.stop()
