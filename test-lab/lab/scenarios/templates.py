# SPDX-License-Identifier: Apache-2.0
"""a read-only snapshot LUN is the backing file of three guests' overlays while its origin changes and the server is killed"""

import signal

from lab import system
from lab.filesystem import PARTITION, check
from lab.places import DISK
from lab.processes import command

QUICK = False
LIMIT = 500
CONFIGURATION = """
  volumes { vm1 { path = vm1.img, size = 768 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 { device = "vm1@gold", read-only = true }, 2 = "vm1@own" } } }"""


def scenario(run):
    run.install("vm1.img")
    server = run.server(CONFIGURATION)
    server.ask("snapshot create", names=["vm1@gold"], read_only=True)
    template = server.url(lun=1)
    guests = []
    for i in range(3):
        overlay = server.folder / f"overlay{i}.qcow2"
        command("qemu-img", "create", "-q", "-f", "qcow2", "-b", template, "-F", "raw", overlay)
        guests.append(run.guest(f"overlay{i}", ["-drive", f"file={overlay},format=qcow2,if=none,id=d0,discard=unmap",
            "-device", "virtio-blk-pci,drive=d0"], memory=384))
    before = system.sums(guests[0])
    run.say("the template's origin is upgraded; the template stays")
    origin = run.qemu_guest("origin", server.url())
    system.upgrade(origin)
    for i, guest in enumerate(guests):
        guest.run(f"echo vm{i} > /etc/hostname; dd if=/dev/urandom of=/root/own bs=1M count=4 status=none; "
            "for j in $(seq 100); do echo $j > /root/$j; done; sync")
    server.restart(signal.SIGKILL, away=1)
    for i, guest in enumerate(guests):
        guest.run(f"echo 3 > /proc/sys/vm/drop_caches; [ $(cat /etc/hostname) = vm{i} ] && [ $(ls /root | wc -l) = 101 ] "
            "&& rm /root/* && echo vm1 > /etc/hostname")
        system.expect_old(guest, before)
        guest.power_off()
    system.expect_version(origin, 2)
    origin.power_off()
    for i in range(3):
        command("qemu-img", "check", "-q", server.folder / f"overlay{i}.qcow2")
    command("qemu-img", "compare", "-f", "raw", "-F", "raw", template, DISK)
    check(server.folder / "vm1.img", PARTITION)

    run.say("the template cannot be written to; a writable snapshot can, and nobody else sees it")
    command("qemu-io", "-f", "raw", "-c", "write -P 7 1M 4k", template, status=1)
    server.ask("snapshot create", names=["vm1@own"])
    command("qemu-io", "-f", "raw", "-c", "write -P 7 1M 1M", "-c", "flush", "-c", "read -P 7 1M 1M", server.url(lun=2))
    command("qemu-img", "compare", "-f", "raw", "-F", "raw", template, DISK)
    server.ask("snapshot remove", name="vm1@own")
    server.stop()
