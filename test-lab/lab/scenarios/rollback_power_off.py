# SPDX-License-Identifier: Apache-2.0
"""root on QEMU's driver: merge waits for the power off, and goes on while the guest boots and works and the server is killed"""

import signal

from lab import system
from lab.filesystem import PARTITION, check
from lab.kernel_log import LOST_CONNECTION
from lab.processes import Failed

QUICK = True
LIMIT = 400
SLOW = 100_000  # bytes a second: longer than the guest needs for all that it does meanwhile


def scenario(run):
    run.install("vm1.img")
    server = run.server(system.CONFIGURATION)
    guest = run.qemu_guest("before", server.url())
    before = system.sums(guest)
    server.ask("snapshot create", names=["vm1@before-upgrade"])
    reference = server.export("vm1@before-upgrade", server.folder / "reference.img")
    system.upgrade(guest)
    server.command("snapshot", "merge", "--throttle", str(SLOW), "vm1@before-upgrade")
    guest.run("echo after > /root/after; sync")
    system.expect_version(guest, 2)
    if server.phase("vm1@before-upgrade") != "waiting":
        raise Failed("the merge does not wait for the guest")
    guest.power_off()

    run.say("the next boot, with the merge under way")
    guest = run.qemu_guest("after", server.url())
    guest.tolerated.append(LOST_CONNECTION)
    system.expect_version(guest, 1)
    for round in range(3):
        if server.phase("vm1@before-upgrade") != "merging":
            raise Failed("the merge is over before the server was killed: make it slower")
        guest.send(f"for i in $(seq 100); do echo $i > /root/{round}.$i; sync -f /root/{round}.$i; done")
        run.say(f"left of the merge: {server.snapshot('vm1@before-upgrade')['merge']['remaining-bytes']} bytes")
        server.restart(signal.SIGKILL, away=1)
        guest.answer()
    system.expect_old(guest, before)
    server.ask("snapshot throttle", name="vm1@before-upgrade", bytes_per_second=0)
    server.wait_merged("vm1@before-upgrade")
    system.expect_old(guest, before)
    if guest.run("cat /root/*.* | wc -l") != "300":
        raise Failed("files that were written during the merge are lost")
    guest.power_off()
    check(server.folder / "vm1.img", PARTITION)
    check(reference, PARTITION)
    server.stop()
