# SPDX-License-Identifier: Apache-2.0
"""20 random histories: Linux's dm-snapshot reads and merges the server's stores, the server Linux's, also in the middle of merges"""

import hashlib
import random
import shutil
import signal

from lab.processes import Failed, command

QUICK = False
LIMIT = 500
COUNT = 20
MIB = 1 << 20
SIZE = 2 * MIB
STORE = 4 * MIB
BLOCK = 4096
NAMES = [f"h{i}" for i in range(COUNT)]
CONFIGURATION = "\n  volumes { " + ", ".join(f"{name} {{ path = {name}.img, size = {SIZE} }}" for name in NAMES) + """ }
  targets { "iqn.2026-11.org.example:vm1" { luns { """ + ", ".join(f'{2 * i} = {name}, {2 * i + 1} = "{name}@s"' for i, name in enumerate(NAMES)) + " } } }"


class History:
    """What is written to an origin and to its snapshot after it was taken, at random; and what both must read as."""

    def __init__(self, seed):
        dice = random.Random(seed)
        self.chunk = dice.choice((8, 16, 32, 64))  # sectors
        self.base = dice.randbytes(SIZE)
        self.origin = bytearray(self.base)
        self.snapshot = bytearray(self.base)
        self.writes = []  # (to the snapshot?, byte, pattern, length)
        for _ in range(dice.randint(20, 50)):
            to_snapshot = dice.random() < 0.5
            length = BLOCK * dice.randint(1, 8)
            at = BLOCK * dice.randint(0, (SIZE - length) // BLOCK)
            pattern = dice.randint(1, 255)
            self.writes.append((to_snapshot, at, pattern, length))
            (self.snapshot if to_snapshot else self.origin)[at : at + length] = bytes([pattern]) * length


def _sum(data):
    return hashlib.sha256(data).hexdigest()


def _disk(path, *parts):
    """A disk of parts, each (bytes, length); the rest of a part is zeros."""
    with open(path, "wb") as disk:
        for data, length in parts:
            disk.write(data)
            disk.write(bytes(length - len(data)))
    return path


def _attach(paths):
    return [word for i, path in enumerate(paths) for word in
        ("-drive", f"file={path},format=raw,if=none,id=s{i}", "-device", f"virtio-blk-pci,drive=s{i}")]


def _linear(device, at, length):
    return f"0 {length // 512} linear {device} {at // 512}"


def _make(guest, history, i, disk, target="snapshot"):
    """Linux's devices for the ith history of a disk: o, its origin; c, its store; s, the snapshot or the merge."""
    at = i * (SIZE + STORE)
    guest.run(f"dmsetup create o{i} --table '{_linear(disk, at, SIZE)}' && dmsetup create c{i} --table '{_linear(disk, at + SIZE, STORE)}' && "
        + _snapshot(history, i, target))


def _snapshot(history, i, target):
    return f"dmsetup create s{i} --table '0 {SIZE // 512} {target} /dev/mapper/o{i} /dev/mapper/c{i} P {history.chunk}'"


def _read(guest, device):
    return guest.run(f"dd if=/dev/mapper/{device} bs=256k iflag=direct status=none | sha256sum").split()[0]


def _write(device, at, pattern, length):
    return (f"head -c {length} /dev/zero | tr '\\0' '\\{pattern:03o}' | "
        f"dd of={device} bs={length} seek={at} oflag=seek_bytes,direct iflag=fullblock conv=notrunc status=none")


def _merged(guest, i):
    """Waits until a snapshot-merge has nothing left, which is when it uses only its metadata."""
    guest.run(f"n=0; while :; do set -- $(dmsetup status s{i}); u=${{4%/*}}; [ $u = $5 ] && break; sleep 0.1; n=$((n + 1)); [ $n -lt 600 ] || break; done; [ $u = $5 ]")


def scenario(run):
    server = run.server(CONFIGURATION)
    _linux_reads_ours(run, server)
    _we_read_linux(run, server)
    server.stop()


def _linux_reads_ours(run, server):
    run.say("the server writes and half merges, Linux reads and merges")
    histories = [History(seed) for seed in range(COUNT)]
    for i, history in enumerate(histories):
        _disk(server.folder / f"{NAMES[i]}.img", (history.base, SIZE))
        server.ask("snapshot create", names=[f"{NAMES[i]}@s"], chunk_sectors=history.chunk)
        for to_snapshot in (False, True):
            writes = [word for wanted, at, pattern, length in history.writes if wanted == to_snapshot for word in ("-c", f"write -P {pattern} {at} {length}")]
            command("qemu-io", "-f", "raw", *writes, "-c", "flush", server.url(lun=2 * i + to_snapshot))
    merging = range(0, COUNT, 2)
    for i in merging:  # slowly, so that the kill finds all of them in the middle
        server.ask("snapshot merge", names=[f"{NAMES[i]}@s"], now=True, throttle=60_000)
    stores = [server.snapshot(f"{name}@s")["store"] for name in NAMES]
    left = [server.snapshot(f"{NAMES[i]}@s")["merge"]["remaining-bytes"] for i in merging]
    run.say(f"left of the merges: {left}")
    if not any(left):
        raise Failed("all merges were over before the server was killed")
    server.stop(signal.SIGKILL)
    disk = _disk(server.folder / "ours.img", *[part for i in range(COUNT) for part in
        (((server.folder / f"{NAMES[i]}.img").read_bytes(), SIZE), (open(stores[i], "rb").read()[:STORE], STORE))])
    guest = run.local_guest("reader", _attach([disk]))
    guest.run("/lib/systemd/systemd-udevd --daemon && modprobe dm-snapshot")
    for i, history in enumerate(histories):
        _make(guest, history, i, "/dev/vdb")
        if _read(guest, f"s{i}") != _sum(history.snapshot):
            raise Failed(f"history {i}: Linux reads the server's snapshot as something else")
        if i not in merging and _read(guest, f"o{i}") != _sum(history.origin):
            raise Failed(f"history {i}: Linux reads the origin as something else")
        guest.run(f"dmsetup remove s{i} && {_snapshot(history, i, 'snapshot-merge')}")
        _merged(guest, i)
        guest.run(f"dmsetup remove s{i}")
        if _read(guest, f"o{i}") != _sum(history.snapshot):
            raise Failed(f"history {i}: Linux merges the server's snapshot to something else")
    guest.power_off()


def _we_read_linux(run, server):
    run.say("Linux writes and half merges, the server adopts and merges")
    histories = [History(1000 + seed) for seed in range(COUNT)]
    disk = _disk(server.folder / "linux.img", *[part for history in histories for part in ((history.base, SIZE), (b"", STORE))])
    guest = run.local_guest("writer", _attach([disk]))
    guest.run("/lib/systemd/systemd-udevd --daemon && modprobe dm-snapshot")
    for i, history in enumerate(histories):
        _make(guest, history, i, "/dev/vdb")
        guest.run(f"dmsetup create w{i} --table '0 {SIZE // 512} snapshot-origin /dev/mapper/o{i}'")
        writes = [_write(f"/dev/mapper/{'s' if to_snapshot else 'w'}{i}", at, pattern, length) for to_snapshot, at, pattern, length in history.writes]
        for at in range(0, len(writes), 15):  # a line of a terminal has at most 4096 characters
            guest.run(" && ".join(writes[at : at + 15]))
        if _read(guest, f"s{i}") != _sum(history.snapshot):
            raise Failed(f"history {i}: the guest's own snapshot is not what it wrote")
        guest.run(f"dmsetup remove s{i} w{i}")
    # The power fails while the first ten are merged.
    guest.send("; ".join(_snapshot(histories[i], i, "snapshot-merge") for i in range(COUNT // 2)) + "; echo MERGING")
    guest.expect("^MERGING$")
    guest.power_cut()
    data = disk.read_bytes()
    shutil.rmtree(server.folder / "state")  # with the merges that were killed: the server starts anew
    for i, history in enumerate(histories):
        at = i * (SIZE + STORE)
        _disk(server.folder / f"{NAMES[i]}.img", (data[at : at + SIZE], SIZE))
        (server.folder / f"{NAMES[i]}.cow").write_bytes(data[at + SIZE : at + SIZE + STORE])
    server.start()
    for i, history in enumerate(histories):
        name = f"{NAMES[i]}@s"
        server.ask("snapshot adopt", name=name, store=str(server.folder / f"{NAMES[i]}.cow"))
        if _sum(server.export(name, server.folder / "export.img").read_bytes()) != _sum(history.snapshot):
            raise Failed(f"history {1000 + i}: the server reads Linux's snapshot as something else")
        server.ask("snapshot merge", names=[name], now=True, wait=True)
    server.stop()
    for i, history in enumerate(histories):
        if _sum((server.folder / f"{NAMES[i]}.img").read_bytes()) != _sum(history.snapshot):
            raise Failed(f"history {1000 + i}: the server merges Linux's snapshot to something else")
    server.start()
