# SPDX-License-Identifier: Apache-2.0
"""open-iscsi under a verifying load: the server is restarted, killed and stopped for 20 s, and no error reaches the file system"""

import signal
import time

from lab import load
from lab.kernel_log import LOST_CONNECTION
from lab.open_iscsi import OpenIscsi

QUICK = True
LIMIT = 300
CONFIGURATION = """
  volumes { vm1 { path = vm1.img, size = 256 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }"""


def scenario(run):
    server = run.server(CONFIGURATION)
    guest = run.local_guest("load", memory=768)
    initiator = OpenIscsi(guest)
    initiator.node(server.port)
    initiator.log_in(server.port)
    initiator.await_disk()
    load.make_file_system(guest, "/dev/sda")
    guest.tolerated.append(LOST_CONNECTION)
    load.begin(guest, 50)
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
        time.sleep(5)  # of load
        server.restart(number, away=1)
    time.sleep(3)
    server.send_signal(signal.SIGSTOP)
    time.sleep(20)  # longer than open-iscsi's ping takes to give the connection up
    server.send_signal(signal.SIGCONT)
    load.end(guest, "/dev/sda")
    initiator.log_out(server.port)
    guest.power_off()
    server.stop()
