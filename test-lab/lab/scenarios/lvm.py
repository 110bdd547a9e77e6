# SPDX-License-Identifier: Apache-2.0
"""LVM on a LUN: lvcreate -s in the guest; its COW volume is checked, adopted and merged by the server, byte for byte as LVM reads it"""

import hashlib

from lab.open_iscsi import OpenIscsi
from lab.processes import Failed

QUICK = False
LIMIT = 300
MIB = 1 << 20
CONFIGURATION = """
  volumes { vm1 { path = vm1.img, size = 64 MiB }, origin { path = origin.img, size = 16 MiB }, cow { path = cow.img, size = 8 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1, 1 = origin, 2 = cow } } }"""


def scenario(run):
    server = run.server(CONFIGURATION)
    guest = run.local_guest("lvm")
    initiator = OpenIscsi(guest)
    initiator.node(server.port)
    initiator.log_in(server.port)
    for disk in ("sda", "sdb", "sdc"):
        initiator.await_disk(disk)
    guest.run("modprobe dm-snapshot; pvcreate -qq -y /dev/sda && vgcreate -qq v /dev/sda && lvcreate -qq -y -L 16M -n o v "
        "&& dd if=/dev/urandom of=/dev/v/o bs=1M count=16 oflag=direct status=none")
    guest.run("lvcreate -qq -y -s -L 8M -c 8k -n s v/o")
    guest.run("for i in $(seq 60); do dd if=/dev/urandom of=/dev/v/o bs=4k count=3 seek=$((RANDOM % 4000)) oflag=direct conv=notrunc status=none; "
        "dd if=/dev/urandom of=/dev/v/s bs=4k count=2 seek=$((RANDOM % 4000)) oflag=direct conv=notrunc status=none; done", limit=180)
    wanted = guest.run("dd if=/dev/v/s bs=1M iflag=direct status=none | sha256sum").split()[0]
    status = guest.run("dmsetup status v-s").split(None, 3)[3]
    guest.run("dmsetup table v-s-cow > /run/cow && vgchange -qq -an v && dmsetup create cow < /run/cow && dmsetup mknodes")
    cow_bytes = int(guest.run("blockdev --getsize64 /dev/mapper/cow"))
    guest.run("dd if=/dev/mapper/cow of=/dev/sdc bs=1M oflag=direct status=none && dmsetup remove cow && vgchange -qq -ay v")
    guest.run("dd if=/dev/mapper/v-o-real of=/dev/sdb bs=1M iflag=direct oflag=direct status=none && vgchange -qq -an v")
    initiator.log_out(server.port)
    guest.power_off()

    store = server.folder / "lvm.cow"
    with open(server.folder / "cow.img", "rb") as image:
        store.write_bytes(image.read(cow_bytes))
    checked = server.local_command("cow", "check", store)
    if "good" not in checked or status not in checked:
        raise Failed(f"the guest's kernel said {status}")
    server.ask("snapshot adopt", name="origin@lvm", store=str(store))
    for what in ("adopted", "merged"):
        if what == "merged":
            server.ask("snapshot merge", names=["origin@lvm"], now=True, wait=True)
            server.ask("snapshot create", names=["origin@lvm"])
        found = hashlib.sha256(server.export("origin@lvm", server.folder / f"{what}.img").read_bytes()).hexdigest()
        if found != wanted:
            raise Failed(f"{what}, the snapshot is not what LVM read")
    server.stop()
