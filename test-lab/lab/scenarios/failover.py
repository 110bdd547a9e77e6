# SPDX-License-Identifier: Apache-2.0
"""two servers share an RBD image, dm-multipath by ALUA: the active one is stopped and killed, I/O goes on by the other"""

import os
import re
import signal
import time

from lab import load
from lab.kernel_log import LOST_PATH, STANDBY
from lab.multipath import MAP, Multipath
from lab.open_iscsi import OpenIscsi
from lab.processes import Failed

QUICK = False
LIMIT = 900
VOLUME = """
  volumes { vm1 { rbd = "rbd/vm1", size = 64 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }"""
# As docs/scale-out-hosts.md says them.
MULTIPATH = """
defaults {
  find_multipaths       no
  user_friendly_names   yes
  path_grouping_policy  group_by_prio
  prio                  alua
  failback              immediate
  polling_interval      1
  max_polling_interval  1
  fast_io_fail_tmo      1
  no_path_retry         60
}"""
TIMEOUTS = {"conn[0].timeo.noop_out_interval": 1, "conn[0].timeo.noop_out_timeout": 1, "session.timeo.replacement_timeout": 1}
FAULTS = [signal.SIGSTOP, signal.SIGSTOP, signal.SIGKILL, signal.SIGKILL]
# Seconds that I/O may wait on a machine that has a processor for everybody who wants one.
LONGEST = 5
FENCED = re.compile(r"volume vm1: fenced|shut this one out \(blocklisted\)")


def load_of_processors():
    """How many want a processor, for each that there is."""
    return os.getloadavg()[0] / os.cpu_count()


def both(paths):
    return sorted(path[2] for path in paths) == ["ghost", "ready"]


def one_fault(run, number, active, other, multipath, writers):
    """The active server fails, and comes back as the standby. Returns in words how long I/O waited."""
    begin = writers.now()
    failed = time.monotonic()
    active.send_signal(number)
    other.await_volume("vm1", "served")
    taken = time.monotonic() - failed
    writers.await_writes(10)  # so that what the other server has not written yet is old
    waited = writers.longest_wait(begin)
    busy = load_of_processors()
    words = f"{number.name} {waited:.1f} s (taken over after {taken:.1f} s, load {busy:.1f} for each processor)"
    run.say(words)
    if waited > LONGEST * max(1.0, busy):
        raise Failed(f"I/O waited too long: {words}")
    if number == signal.SIGSTOP:
        active.send_signal(signal.SIGCONT)
    else:
        active.restart_killed()
    active.await_volume("vm1", "standby")
    multipath.await_paths("an active and a standby path", both)
    writers.await_writes(10)
    return words


def scenario(run):
    configuration = f'\n  ceph.conf = "{run.ceph()}"{VOLUME}'
    active = run.server(configuration, name="a")
    active.await_volume("vm1", "served")
    other = run.server(configuration, name="b")
    other.await_volume("vm1", "standby")
    guest = run.local_guest("failover", memory=768)
    guest.tolerated += [LOST_PATH, STANDBY]
    initiator = OpenIscsi(guest, TIMEOUTS["session.timeo.replacement_timeout"])
    multipath = Multipath(guest, MULTIPATH)
    for server, disk in ((active, "sda"), (other, "sdb")):
        server.tolerated.append(FENCED)
        initiator.node(server.port)
        initiator.set_all(server.port, TIMEOUTS)
        initiator.log_in(server.port)
        initiator.await_disk(disk)
    multipath.start()
    multipath.await_paths("an active and a standby path", both)
    writers = load.Watched(guest, MAP, LIMIT)
    waits = []
    for number in FAULTS:
        waits.append(one_fault(run, number, active, other, multipath, writers))
        active, other = other, active
    writers.end()
    run.say("longest waits: " + ", ".join(waits))
    multipath.stop()
    for server in (active, other):
        initiator.log_out(server.port)
    guest.power_off()
    active.stop()
    other.stop()
