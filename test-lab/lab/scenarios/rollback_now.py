# SPDX-License-Identifier: Apache-2.0
"""root on QEMU's driver: suspend, merge --now, reset, resume; the volume is the snapshot byte for byte while the merge runs"""

from lab import system
from lab.filesystem import PARTITION, check
from lab.processes import Failed, command

QUICK = True
LIMIT = 300


def scenario(run):
    run.install("vm1.img")
    server = run.server(system.CONFIGURATION)
    guest = run.qemu_guest("vm1", server.url(), reboots=True)
    before = system.sums(guest)
    server.ask("snapshot create", names=["vm1@before-upgrade"])
    reference = server.export("vm1@before-upgrade", server.folder / "reference.img")
    system.upgrade(guest)
    guest.send("echo BUSY; while :; do echo $((i = i + 1)) > /root/busy; sync; done")
    guest.expect(r"^BUSY$")  # all of the line is read: what is left in the serial port would come after the reset
    guest.qmp()("stop")
    server.command("snapshot", "merge", "--now", "--throttle", "100000", "vm1@before-upgrade")
    command("qemu-img", "compare", "-f", "raw", "-F", "raw", reference, server.url())
    if server.phase("vm1@before-upgrade") != "merging":
        raise Failed("the merge was over before the volume was compared: make it slower")
    guest.qmp()("system_reset")
    guest.qmp()("cont")
    guest.expect(r"LAB: ready version 1\n", 240)
    system.expect_old(guest, before)
    server.ask("snapshot throttle", name="vm1@before-upgrade", bytes_per_second=0)
    server.wait_merged("vm1@before-upgrade")
    system.expect_old(guest, before)
    guest.power_off()
    check(server.folder / "vm1.img", PARTITION)
    server.stop()
