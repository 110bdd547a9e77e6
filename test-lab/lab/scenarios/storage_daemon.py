# SPDX-License-Identifier: Apache-2.0
"""qemu-nbd and qemu-storage-daemon export LUNs of 512- and 4096-byte blocks, and go on after the server was killed"""

import signal
import time

from lab.places import PATIENCE
from lab.processes import Failed, command
from lab.server import IQN

QUICK = False
LIMIT = 240
CONFIGURATION = """
  volumes { small { path = small.img, size = 256 MiB }, large { path = large.img, size = 256 MiB, block-size = 4096 } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = small, 1 = large } } }"""


def _io(nbd, *commands):
    """qemu-io's commands; a pattern (-P) that is not there is an error that it only prints."""
    printed = command("qemu-io", "-f", "raw", *[word for line in commands for word in ("-c", line)], nbd)
    if "failed" in printed.lower() or "error" in printed.lower():
        raise Failed(printed)


def _await(socket, limit=30):
    end = time.monotonic() + limit * PATIENCE
    while not socket.exists():
        if time.monotonic() > end:
            raise Failed(f"no {socket}")
        time.sleep(0.05)


def _exercise(run, server, nbd):
    _io(nbd, "write -P 1 0 4M", "write -P 2 100M 12M", "flush", "discard 1M 1M", "write -z -u 2M 1M", "read -P 0 1M 2M", "read -P 1 0 1M", "read -P 2 100M 12M",
        "write -P 9 512 512", "read -P 9 512 512", "read -P 1 0 512")
    server.restart(signal.SIGKILL, away=1)
    _io(nbd, "read -P 2 100M 12M", "write -P 3 50M 4M", "flush", "read -P 3 50M 4M", "discard 50M 4M", "read -P 0 50M 4M")


def scenario(run):
    server = run.server(CONFIGURATION)
    for lun in range(2):
        socket = server.folder / f"nbd{lun}.sock"
        nbd = run.processes.start(["qemu-nbd", "-k", socket, "-f", "raw", "-t", "--discard=unmap", "--detect-zeroes=unmap", "-x", "x", server.url(lun=lun)])
        _await(socket)
        _exercise(run, server, f"nbd+unix:///x?socket={socket}")
        nbd.terminate()
        nbd.wait(30)
        socket = server.folder / f"daemon{lun}.sock"
        daemon = run.processes.start(["qemu-storage-daemon",
            "--blockdev", f"driver=iscsi,node-name=i,transport=tcp,portal=127.0.0.1:{server.port},target={IQN}vm1,lun={lun},"
            "initiator-name=iqn.2026-01.lab:daemon,cache.direct=on,discard=unmap", "--blockdev", "driver=raw,node-name=r,file=i,discard=unmap",
            "--nbd-server", f"addr.type=unix,addr.path={socket}", "--export", "type=nbd,id=e,node-name=r,name=x,writable=on"])
        _await(socket)
        _exercise(run, server, f"nbd+unix:///x?socket={socket}")
        daemon.terminate()
        daemon.wait(30)
    server.stop()
