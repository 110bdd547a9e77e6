# SPDX-License-Identifier: Apache-2.0
"""root on open-iscsi: lost connections, and restarts of iscsid and the server, begin no merge that waits"""

import signal
import time

from lab import system
from lab.filesystem import PARTITION, check
from lab.places import PATIENCE
from lab.processes import Failed

QUICK = True
LIMIT = 300


def scenario(run):
    run.install("vm1.img")
    server = run.server(system.CONFIGURATION)
    guest = run.open_iscsi_guest("vm1", server)
    before = system.sums(guest)
    server.ask("snapshot create", names=["vm1@before-upgrade"])
    system.upgrade(guest)
    after = system.sums(guest)
    server.ask("snapshot merge", names=["vm1@before-upgrade"])

    def goes_on(what):
        guest.run(f"echo '{what}' > /root/log; sync; echo 3 > /proc/sys/vm/drop_caches; ls /opt/new | wc -l; "
            "dd if=/dev/sda of=/dev/null bs=4k count=1 iflag=direct status=none")
        if server.phase("vm1@before-upgrade") != "waiting":
            raise Failed(f"{what}: the merge does not wait any more")

    goes_on("asked for")
    server.ask("session drop", id=server.sessions()[0]["id"])
    goes_on("session dropped")
    guest.run("kill $(pidof iscsid); while pidof iscsid > /dev/null; do sleep 0.1; done; rm -f /run/iscsid.pid /run/lock/iscsi/lock; take_over")
    goes_on("iscsid restarted")
    server.restart()
    goes_on("server restarted")
    server.restart(signal.SIGKILL, away=2)
    goes_on("server killed")
    guest.send("dd if=/dev/zero of=/root/zero bs=64k count=64 oflag=direct status=none; sync")
    server.send_signal(signal.SIGSTOP)
    time.sleep(12)  # longer than open-iscsi's ping takes to give the connection up
    server.send_signal(signal.SIGCONT)
    guest.answer()
    goes_on("server stood still")
    if system.sums(guest) != after:
        raise Failed("the upgraded system has changed")

    run.say("the power fails: no logout, so the merge still waits, until somebody says that the initiator is gone")
    guest.power_cut()
    deadline = time.monotonic() + 60 * PATIENCE
    while server.snapshot("vm1@before-upgrade")["waits-for"][0]["connected"]:
        if time.monotonic() > deadline:
            raise Failed("the server does not notice that the guest is gone")
        time.sleep(0.2)
    server.command("snapshot", "merge", "--assume-gone", "iqn.2026-01.lab:guest", "vm1@before-upgrade")
    guest = run.open_iscsi_guest("again", server)
    system.expect_old(guest, before)
    server.wait_merged("vm1@before-upgrade")
    guest.power_off()
    check(server.folder / "vm1.img", PARTITION)
    server.stop()
