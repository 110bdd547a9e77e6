# SPDX-License-Identifier: Apache-2.0
"""a LUN boots by BIOS and GRUB through QEMU's own driver"""

from lab import system
from lab.filesystem import PARTITION, check

QUICK = True
LIMIT = 200


def scenario(run):
    run.install("vm1.img")
    server = run.server(system.CONFIGURATION)
    guest = run.firmware_guest("grub", ["-drive", f"file={server.url()},format=raw,if=none,id=d0,cache=none,discard=unmap",
        "-device", "virtio-blk-pci,drive=d0,bootindex=1"], memory=768)
    system.expect_version(guest, 1)
    guest.run("echo 'version 2' > /etc/lab-version")
    guest.power_off()
    check(server.folder / "vm1.img", PARTITION)
    server.stop()
