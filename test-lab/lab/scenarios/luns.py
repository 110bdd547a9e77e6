# SPDX-License-Identifier: Apache-2.0
"""open-iscsi: LUNs that come, go and change their size while a file system is mounted; a snapshot's LUN that is removed by force"""

from lab.kernel_log import REMOVED_LUN
from lab.open_iscsi import OpenIscsi
from lab.processes import Failed
from lab.server import Refused

QUICK = False
LIMIT = 300
_VOLUMES = """
  volumes { vm1 { path = vm1.img, size = 128 MiB }, extra { path = extra.img, size = 64 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { %s } } }"""


def _disks(guest, wanted):
    """Rescans, removes disks that are gone, and expects these ones."""
    guest.run("iscsiadm -m session -R > /dev/null; udevadm settle")
    found = guest.run("for d in /sys/block/sd*; do echo ${d##*/}; done").split()
    if found != wanted:
        raise Failed(f"disks {found}, not {wanted}")


def _read(guest, disk, status=0):
    guest.run(f"dd if=/dev/{disk} of=/dev/null bs=4k count=1 iflag=direct", status)


def scenario(run):
    server = run.server(_VOLUMES % "0 = vm1")
    guest = run.local_guest("luns")
    initiator = OpenIscsi(guest)
    initiator.node(server.port)
    initiator.log_in(server.port)
    initiator.await_disk()
    guest.run("mkfs.ext4 -q -F /dev/sda && mount /dev/sda /mnt && echo before > /mnt/file && sync")

    run.say("a volume and a snapshot become LUNs")
    server.configure(_VOLUMES % '0 = vm1, 1 = extra, 2 = "vm1@s"')
    server.reload()
    server.ask("snapshot create", names=["vm1@s"])
    _read(guest, "sda")  # takes the unit attention: REPORTED LUNS DATA HAS CHANGED
    _disks(guest, ["sda", "sdb", "sdc"])
    guest.run("e2fsck -p /dev/sdc; mkdir -p /run/s && mount /dev/sdc /run/s && [ $(cat /run/s/file) = before ] && echo changed > /run/s/file "
        "&& umount /run/s")

    run.say("the disk grows while its file system is mounted")
    server.ask("volume resize", volume="vm1", bytes=192 << 20)
    guest.run("echo 1 > /sys/block/sda/device/rescan; [ $(blockdev --getsize64 /dev/sda) = $((192 << 20)) ] "
        "&& resize2fs /dev/sda 2>&1 | tail -n 1 && [ $(df --output=size -m /mnt | tail -n 1) -gt 150 ]")

    guest.tolerated.append(REMOVED_LUN)
    run.say("the snapshot's LUN is in use, and is removed by force; the volume's LUN is removed by a reload")
    try:
        server.ask("snapshot remove", name="vm1@s")
        raise Failed("a snapshot that a session sees was removed without --force")
    except Refused:
        pass
    server.ask("snapshot remove", name="vm1@s", force=True)
    server.configure(_VOLUMES % "0 = vm1")
    server.reload(force=True)
    guest.run("echo 1 > /sys/block/sdb/device/delete; echo 1 > /sys/block/sdc/device/delete")
    _disks(guest, ["sda"])
    guest.run("echo after > /mnt/file && sync && umount /mnt && e2fsck -fn /dev/sda")

    run.say("LUN 1 is another disk now")
    server.configure(_VOLUMES % "0 = vm1, 1 = extra")
    server.reload()
    _disks(guest, ["sda", "sdb"])
    _read(guest, "sdb")
    initiator.log_out(server.port)
    guest.power_off()
    server.stop()
