# SPDX-License-Identifier: Apache-2.0
"""diskless: iPXE with CHAP boots GRUB from a LUN, open-iscsi logs in by the iBFT; upgrade, merge --on-next-login, the machine's own reboot"""

from lab import system
from lab.filesystem import PARTITION, check
from lab.kernel_log import LOST_CONNECTION
from lab.processes import Failed, command
from lab.server import IQN

QUICK = False
LIMIT = 500
CONFIGURATION = """
  volumes { vm1 { path = vm1.img, size = 768 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 }, chap { user = vm1, secret = correct-horse-16 } } }"""
# As docs/initiators.md says it.
_SCRIPT = """#!ipxe
set initiator-iqn iqn.2026-01.lab:guest
set username vm1
set password correct-horse-16
sanboot iscsi:10.0.2.2::{port}:0:{target} || poweroff
"""


def scenario(run):
    run.install("vm1.img")
    image = f"{run.folder / 'vm1.img'}?offset={PARTITION}"
    choice = run.folder / "root.cfg"
    choice.write_text('set root_arguments="lab.root=/dev/sda1 lab.iscsi=ibft"\n')
    command("debugfs", "-w", "-R", "rm /boot/grub/root.cfg", image)
    command("debugfs", "-w", "-R", f"write {choice} /boot/grub/root.cfg", image)
    server = run.server(CONFIGURATION)
    tftp = run.folder / "tftp"
    tftp.mkdir()
    (tftp / "boot.ipxe").write_text(_SCRIPT.format(port=server.port, target=IQN + "vm1"))
    guest = run.firmware_guest("diskless", ["-netdev", f"user,id=n0,tftp={tftp},bootfile=boot.ipxe", "-device", "virtio-net-pci,netdev=n0,bootindex=1"],
        memory=768, reboots=True, limit=300)
    guest.tolerated.append(LOST_CONNECTION)  # iscsid logs in once more when it takes the session of the initramfs over
    before = system.sums(guest)
    server.ask("snapshot create", names=["vm1@before-upgrade"])
    system.upgrade(guest)
    server.command("snapshot", "merge", "--on-next-login", "vm1@before-upgrade")
    system.reboot(guest)
    system.expect_old(guest, before)
    server.wait_merged("vm1@before-upgrade")
    if "LAB: GRUB starts Linux" not in guest.kernel_log():
        raise Failed("GRUB did not start Linux")
    guest.power_off()
    check(server.folder / "vm1.img", PARTITION)
    server.stop()
