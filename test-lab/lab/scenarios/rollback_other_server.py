# SPDX-License-Identifier: Apache-2.0
"""root on an RBD image with its stores in the cluster: snapshot, upgrade, the server is killed; the other one has the volume, and rolls it back"""

import signal
import time

from lab import system
from lab.filesystem import PARTITION, check
from lab.places import DISK
from lab.processes import Failed, command

QUICK = False
LIMIT = 600
SNAPSHOT = "vm1@before-upgrade"
VOLUME = """
  stores.pool = rbd
  volumes { vm1 { rbd = "rbd/vm1" } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }"""


def scenario(run):
    conf = run.ceph()
    command("rbd", "-c", conf, "--no-progress", "import", DISK, "rbd/vm1")
    configuration = f'\n  ceph.conf = "{conf}"{VOLUME}'
    first = run.server(configuration, name="a")
    first.await_volume("vm1", "served")
    second = run.server(configuration, name="b")
    second.await_volume("vm1", "standby")
    guest = run.qemu_guest("before", first.url())
    before = system.sums(guest)
    first.ask("snapshot create", names=[SNAPSHOT])
    system.upgrade(guest)
    system.expect_version(guest, 2)
    guest.send("echo BUSY; while :; do echo $((i = i + 1)) > /root/busy; sync; done")
    guest.expect(r"^BUSY$")
    run.say("the machine with the server and the guest is lost")
    lost = time.monotonic()
    first.send_signal(signal.SIGKILL)
    guest.power_cut()
    second.await_volume("vm1", "served")
    taken = time.monotonic() - lost
    second.ask("snapshot merge", names=[SNAPSHOT], now=True, throttle=100000)
    rolled_back = time.monotonic() - lost
    guest = run.qemu_guest("after", second.url())
    system.expect_old(guest, before)
    if second.phase(SNAPSHOT) != "merging":
        raise Failed("the merge was over before the system was compared: make it slower")
    merging = time.monotonic()
    second.ask("snapshot throttle", name=SNAPSHOT, bytes_per_second=0)
    second.wait_merged(SNAPSHOT)
    run.say(f"the other server had the volume after {taken:.1f} s, and the old contents after {rolled_back:.1f} s; "
        f"the rest of the merge took {time.monotonic() - merging:.1f} s")
    system.expect_old(guest, before)
    guest.power_off()
    second.stop()
    command("rbd", "-c", conf, "--no-progress", "export", "rbd/vm1", run.folder / "vm1.img")
    check(run.folder / "vm1.img", PARTITION)
