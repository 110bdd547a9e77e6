# SPDX-License-Identifier: Apache-2.0
"""open-iscsi: discovery and mutual CHAP with every algorithm; a target that does not know its secret is left, a wrong password refused"""

from lab.kernel_log import LOST_CONNECTION
from lab.open_iscsi import HOST, OpenIscsi
from lab.processes import Failed

QUICK = False
LIMIT = 240
CONFIGURATION = """
  volumes { vm1 { path = vm1.img, size = 64 MiB } }
  targets { "iqn.2026-11.org.example:vm1" {
    luns { 0 = vm1 }
    chap { user = vm1, secret = correct-horse-16, mutual { user = target, secret = battery-staple16 } }
  } }"""


def scenario(run):
    server = run.server(CONFIGURATION)
    guest = run.local_guest("chap")
    initiator = OpenIscsi(guest)
    found = guest.run(f"iscsiadm -m discovery -t st -p {HOST}:{server.port}")
    if "iqn.2026-11.org.example:vm1" not in found:
        raise Failed(f"not discovered: {found}")
    guest.run("iscsiadm -m node -o delete")
    initiator.node(server.port, auth_authmethod="CHAP", auth_username="vm1", auth_password="correct-horse-16",
        auth_username_in="target", auth_password_in="battery-staple16")
    for algorithm in ("MD5", "SHA1", "SHA256", "SHA3-256"):
        initiator.set(server.port, auth_chap_algs=algorithm)
        initiator.log_in(server.port)
        initiator.await_disk()
        guest.run("dd if=/dev/sda of=/dev/null bs=1M count=1 iflag=direct status=none")
        initiator.log_out(server.port)
    guest.tolerated.append(LOST_CONNECTION)  # which the initiator ends itself
    initiator.set(server.port, auth_password_in="something-else-1")
    initiator.log_in(server.port, status=19)  # the initiator ends the login
    initiator.set(server.port, auth_password_in="battery-staple16", auth_password="wrong-password-1")
    initiator.log_in(server.port, status=24)  # the server refuses it
    guest.power_off()
    server.stop()
