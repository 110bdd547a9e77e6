# SPDX-License-Identifier: Apache-2.0
"""root on open-iscsi: snapshot, upgrade, merge --on-next-login, the guest's own reboot; the old system is there"""

from lab import system
from lab.filesystem import PARTITION, check
from lab.processes import Failed

QUICK = True
LIMIT = 300


def scenario(run):
    run.install("vm1.img")
    server = run.server(system.CONFIGURATION)
    guest = run.open_iscsi_guest("vm1", server, reboots=True)
    system.expect_version(guest, 1)
    before = system.sums(guest)
    server.ask("snapshot create", names=["vm1@before-upgrade"])
    system.upgrade(guest)
    run.say("a reboot into the upgraded system")
    system.reboot(guest)
    system.expect_version(guest, 2)
    run.say("a rollback at the next login")
    server.command("snapshot", "merge", "--on-next-login", "vm1@before-upgrade")
    guest.run("ls /opt/new | wc -l; echo after > /root/after; sync")
    system.reboot(guest)
    system.expect_old(guest, before)
    if guest.run("ls -A /opt; ls /root"):
        raise Failed("files of the upgraded system are there")
    server.wait_merged("vm1@before-upgrade")
    system.expect_old(guest, before)
    guest.power_off()
    check(server.folder / "vm1.img", PARTITION)
    server.stop()
