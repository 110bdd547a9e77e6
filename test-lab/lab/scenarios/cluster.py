# SPDX-License-Identifier: Apache-2.0
"""two guests, one disk under two LUN numbers: heartbeats by compare and write, persistent reservations that fence, over a restart"""

from lab.kernel_log import LOST_CONNECTION
from lab.open_iscsi import OpenIscsi
from lab.processes import Failed

QUICK = False
LIMIT = 400
CONFIGURATION = """
  volumes { shared { path = shared.img, size = 64 MiB } }
  targets {
    "iqn.2026-11.org.example:vm1" { luns { 0 = shared } }
    "iqn.2026-11.org.example:vm2" { luns { 5 = shared } }
  }"""
CONFLICT = 24  # sg3-utils' exit status
MISCOMPARE = 14
_SECTOR = "head -c 508 /dev/zero; printf '%04d'"

# A counter in one sector that both nodes add to, each time by comparing with what they have read: nothing is lost, or the sum is wrong.
_COUNT = (
    "n=0; while [ $n -lt {times} ]; do dd if=/dev/sda bs=512 count=1 skip={sector} iflag=direct status=none > /run/old; "
    "v=$(tail -c 4 /run/old); "
    "( cat /run/old; head -c 508 /run/old; printf '%04d' $((10#$v + 1)) ) > /run/both; "
    "sg_compare_and_write --in=/run/both --lba={sector} /dev/sda > /run/caw 2>&1; s=$?; case $s in 0) n=$((n + 1));; 14) echo again;; *) cat /run/caw; break;; esac; done; [ $n = {times} ]"
)


def _node(run, server, name, target):
    guest = run.local_guest(name, ["-name", name])
    guest.run(f"echo InitiatorName=iqn.2026-01.lab:{name} > /etc/iscsi/initiatorname.iscsi")
    initiator = OpenIscsi(guest)
    initiator.node(server.port, target)
    initiator.log_in(server.port, target)
    initiator.await_disk()
    return guest, initiator


def scenario(run):
    server = run.server(CONFIGURATION)
    one, first = _node(run, server, "one", "vm1")
    two, second = _node(run, server, "two", "vm2")
    _heartbeats(one, two)
    _fence(run, server, one, two)
    first.log_out(server.port)
    second.log_out(server.port, "vm2")
    one.power_off()
    two.power_off()
    server.stop()


def _heartbeats(one, two):
    sector, times = 2048, 25
    one.run(f"( {_SECTOR} 0 ) | dd of=/dev/sda bs=512 seek={sector} oflag=direct status=none")
    for guest in (one, two):
        guest.send(_COUNT.format(sector=sector, times=times))
    for guest in (one, two):
        guest.answer(limit=180)
    counted = two.run(f"dd if=/dev/sda bs=512 count=1 skip={sector} iflag=direct status=none | tail -c 4")
    if int(counted) != 2 * times:
        raise Failed(f"two nodes counted to {counted}, not to {2 * times}")
    two.run(f"( {_SECTOR} 7; {_SECTOR} 8 ) > /run/wrong; sg_compare_and_write --in=/run/wrong --lba={sector} /dev/sda", MISCOMPARE)


def _fence(run, server, one, two):
    run.say("as fence_scsi does it: each node registers, one holds a reservation for registrants, and takes the other's key away")
    write = "sg_write_same --lba=0 --num=1 --in=/dev/zero --xferlen=512 /dev/sda"
    one.run("sg_persist -o -G -S 0x1 -Z /dev/sda && sg_persist -o -R -K 0x1 -T 5 /dev/sda")
    two.run("sg_persist -o -G -S 0x2 -Z /dev/sda")
    for guest in (one, two):
        guest.run(write)
    one.run("sg_persist -o -A -K 0x1 -S 0x2 -T 5 /dev/sda")
    two.run("sg_turs /dev/sda", None)  # takes the unit attention: REGISTRATIONS PREEMPTED
    two.run(write, CONFLICT)
    two.run("sg_persist -o -R -K 0x2 -T 5 /dev/sda", CONFLICT)
    one.run(write)
    run.say("the server restarts: the fenced node stays out")
    for guest in (one, two):
        guest.tolerated.append(LOST_CONNECTION)
    server.restart()
    for guest in (one, two):
        guest.run("n=0; while ! dd if=/dev/sda of=/dev/null bs=4k count=1 iflag=direct status=none && [ $n -lt 50 ]; do sleep 0.2; n=$((n + 1)); done")
    two.run(write, CONFLICT)
    one.run(write)
    keys = one.run("sg_persist -k /dev/sda")
    if "0x1" not in keys or "0x2" in keys:
        raise Failed(f"registered keys: {keys}")
    run.say("the fenced node comes back, and the reservation is given up")
    two.run("sg_persist -o -G -S 0x2 /dev/sda")
    two.run(write)
    one.run("sg_persist -o -C -K 0x1 /dev/sda")
    two.run("sg_turs /dev/sda", None)  # takes the unit attention: RESERVATIONS PREEMPTED
    two.run(write)
    if "NO registered" not in two.run("sg_persist -k /dev/sda"):
        raise Failed("registrations are left")
