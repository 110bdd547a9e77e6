# SPDX-License-Identifier: Apache-2.0
"""One run of one scenario: its folder, its log, and what it has started."""

import shutil
import time

from .ceph import Ceph
from .guest import Guest
from .kernel_log import LOST_CONNECTION
from .places import DISK, KERNEL_LAB, LOGS, ROOT
from .processes import Processes, command
from .server import IQN, Server

# Arguments of each kernel. Messages are numbered from 7 (debug) down; the shell raises this level when it runs.
_APPEND = "console=ttyS0 panic=-1 loglevel=4 nokaslr mitigations=off net.ifnames=0 random.trust_cpu=on tsc=reliable no_timer_check"
_NETWORK = ["-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,romfile="]


class Run:
    def __init__(self, name):
        self.logs = LOGS / name
        shutil.rmtree(self.logs, ignore_errors=True)
        self.folder = self.logs / "data"
        self.folder.mkdir(parents=True)
        self.processes = Processes()
        self._begun = time.monotonic()
        self._servers = []
        self._guests = []
        self._clusters = []

    def say(self, text):
        print(f"[{time.monotonic() - self._begun:7.2f}] {text}", flush=True)

    def server(self, configuration, portals=1, name=None):
        server = Server(self, configuration, portals, name)
        self._servers.append(server)
        return server.start()

    def ceph(self):
        """Starts a cluster, which ends with this run; its ceph.conf. Skips the scenario where Ceph is not installed."""
        ceph = Ceph()
        self._clusters.append(ceph)
        return ceph.up()

    def install(self, name):
        """A copy of the root's disk in the run's folder, for a volume."""
        command("cp", "--sparse=always", DISK, self.folder / name)

    def guest(self, name, arguments, append="", **options):
        """A guest that boots the root's initramfs; append: more of the kernel's command line."""
        guest = Guest(self, name, ["-kernel", KERNEL_LAB / "vmlinux", "-initrd", ROOT / "boot.cpio", "-append", f"{_APPEND} {append}",
            *_NETWORK, *arguments], **options)
        self._guests.append(guest)
        return guest

    def firmware_guest(self, name, arguments, **options):
        """A guest that boots by its BIOS, from a disk or the network."""
        guest = Guest(self, name, arguments, **options)
        self._guests.append(guest)
        return guest

    def local_guest(self, name, arguments=(), **options):
        """A guest whose root is a throw-away overlay of the local disk; it attaches our disks itself."""
        return self.guest(name, ["-drive", f"file={DISK},format=raw,if=none,id=d0,snapshot=on", "-device", "virtio-blk-pci,drive=d0", *arguments], **options)

    def qemu_guest(self, name, url, **options):
        """A guest whose root is a LUN that QEMU's own driver attaches."""
        disk = ["-drive", f"file={url},format=raw,if=none,id=d0,cache=none,discard=unmap", "-device", "virtio-blk-pci,drive=d0"]
        return self.guest(name, disk, **options)

    def open_iscsi_guest(self, name, server, target="vm1", append="", **options):
        """A guest whose root is a LUN that open-iscsi attaches, in the initramfs."""
        guest = self.guest(name, [], append=f"lab.root=/dev/sda1 lab.iscsi=10.0.2.2,{server.port},{IQN}{target} {append}", **options)
        guest.tolerated.append(LOST_CONNECTION)  # iscsid logs in once more when it takes the session of the initramfs over
        return guest

    def finish(self):
        """After a scenario that went well: what must be true of every one."""
        for guest in self._guests:
            guest.check_kernel()
        for server in self._servers:
            server.check_log()

    def close(self, passed):
        self.processes.end()
        for ceph in self._clusters:
            ceph.down()
        if passed:
            shutil.rmtree(self.folder)
