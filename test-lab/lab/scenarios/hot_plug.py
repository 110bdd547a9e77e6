# SPDX-License-Identifier: Apache-2.0
"""QMP plugs LUNs into a guest that runs; every mark that it had flushed before a snapshot is in the snapshot; resize; unplug"""

import hashlib
import re
import time

from lab.filesystem import check, listing
from lab.processes import Failed, command
from lab.server import IQN

QUICK = False
LIMIT = 400
CONFIGURATION = """
  volumes { data { path = data.img, size = 192 MiB } }
  targets { "iqn.2026-11.org.example:data" { luns { 0 = data, """ + ", ".join(f'{i} = "data@s{i}"' for i in range(1, 7)) + " } } }"
_MARKS = (
    "i=0; while [ ! -e /run/stop ]; do i=$((i+1)); echo mark $i > /mnt/new; sync /mnt/new; mv /mnt/new /mnt/m$i; sync /mnt; echo MARK $i; done; echo MARKS OVER"
)
_NOISE = "while [ ! -e /run/stop ]; do dd if=/dev/urandom of=/mnt/noise bs=256k count=40 conv=fsync status=none; done"


class Plug:
    """The disks of a virtual machine, by QMP."""

    def __init__(self, guest, server):
        self._qmp = guest.qmp()
        self._server = server

    def add(self, name, lun, read_only=False):
        self._qmp("blockdev-add", driver="raw", node_name=name, read_only=read_only, discard="unmap", cache={"direct": True},
            file={"driver": "iscsi", "transport": "tcp", "portal": f"127.0.0.1:{self._server.port}", "target": IQN + "data", "lun": lun,
                "initiator-name": "iqn.2026-01.lab:" + name})
        self._qmp("device_add", driver="virtio-blk-pci", drive=name, id="disk-" + name)

    def remove(self, name):
        self._qmp("device_del", id="disk-" + name)
        self._qmp.await_event("DEVICE_DELETED", device="disk-" + name)
        self._qmp("blockdev-del", node_name=name)

    def resize(self, name, size):
        self._qmp("block_resize", node_name=name, size=size)


def _marks(guest):
    return max((int(n) for n in re.findall(r"^MARK (\d+)$", guest.said(), re.M)), default=0)


def _await(guest, disk, status=0):
    guest.run(f"n=0; while [ ! -b /dev/{disk} ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done; [ -b /dev/{disk} ]", status)


def scenario(run):
    server = run.server(CONFIGURATION)
    guest = run.local_guest("hot-plug")
    plug = Plug(guest, server)
    plug.add("data", 0)
    _await(guest, "vdb")
    guest.run("mkfs.ext4 -q -F /dev/vdb && mount /dev/vdb /mnt")
    guest.run(f"({_NOISE}) & ({_MARKS}) &")
    for i in range(1, 7):
        guest.expect(r"^MARK \d+$", 60)
        time.sleep(2)  # of marks
        before = _marks(guest)
        server.ask("snapshot create", names=[f"data@s{i}"], read_only=i % 2 == 0)
        image = server.export(f"data@s{i}", server.folder / f"s{i}.img")
        check(image)
        command("e2fsck", "-p", image, status=None)
        sizes = listing(image)
        missing = [n for n in range(1, before + 1) if not sizes.get(f"m{n}")]
        run.say(f"snapshot {i}: {before} marks before it, {sum(name.startswith('m') for name in sizes)} in it")
        if missing or not before:
            raise Failed(f"of {before} marks, snapshot {i} does not have {missing[:10]}")
        image.unlink()
    run.say("a writable and a read-only snapshot are plugged in, used, and unplugged")
    guest.run("touch /run/stop")
    guest.expect("MARKS OVER", 60)
    plug.add("s1", 1)
    _await(guest, "vdc")
    plug.add("s2", 2, read_only=True)
    _await(guest, "vdd")
    guest.run("e2fsck -p /dev/vdc; mkdir -p /run/s1 /run/s2; mount /dev/vdc /run/s1 && touch /run/s1/new && sync && ls /run/s1/m1 && umount /run/s1", limit=180)
    part = guest.run("[ $(blockdev --getro /dev/vdd) = 1 ] && dd if=/dev/vdd bs=1M count=8 iflag=direct status=none | sha256sum").split()[0]
    with open(server.export("data@s2", server.folder / "s2.img"), "rb") as image:
        if part != hashlib.sha256(image.read(8 << 20)).hexdigest():
            raise Failed("the guest reads the read-only snapshot as something else")
    plug.remove("s1")
    plug.remove("s2")
    server.ask("snapshot remove", name="data@s1", force=True)  # LUN 0 of its target is still in use
    run.say("the disk grows while it is mounted")
    server.ask("volume resize", volume="data", bytes=256 << 20)
    plug.resize("data", 256 << 20)
    guest.run("n=0; while [ $(blockdev --getsize64 /dev/vdb) != $((256 << 20)) ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done; "
        "resize2fs /dev/vdb 2>&1 | tail -n 1; umount /mnt && e2fsck -fn /dev/vdb")
    plug.remove("data")
    guest.power_off()
    if server.sessions():
        raise Failed(f"sessions are left: {server.sessions()}")
    server.stop()
