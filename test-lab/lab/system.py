# SPDX-License-Identifier: Apache-2.0
"""A system on a disk of ours that is upgraded and rolled back: what is changed in it, and how to see which of the two it is."""

from .processes import Failed

CONFIGURATION = """
  volumes { vm1 { path = vm1.img, size = 768 MiB } }
  targets { "iqn.2026-11.org.example:vm1" { luns { 0 = vm1 } } }"""

# Some 900 files deleted, replaced, appended to or made, libc and bash among them, and 24 MB that were not there.
_UPGRADE = (
    "rm -rf /usr/share/zoneinfo /usr/share/doc && "
    "find /usr/share/perl5 /usr/lib/x86_64-linux-gnu/perl-base -type f -name '*.p[ml]' | head -n 200 | while read -r f; do echo '# upgraded' >> $f; done && "
    "cp -p /bin/bash /bin/bash.new && echo upgraded >> /bin/bash.new && mv /bin/bash.new /bin/bash && "
    "c=/usr/lib/x86_64-linux-gnu/libc.so.6 && cp -p $c $c.new && echo upgraded >> $c.new && mv $c.new $c && "
    "dd if=/dev/urandom of=/usr/lib/new bs=1M count=24 status=none && mkdir -p /opt/new && for i in $(seq 300); do echo $i > /opt/new/$i; done && "
    "echo version 2 > /etc/lab-version && sync"
)
_SUMS = (
    "(cd / && find etc usr/sbin usr/share/zoneinfo usr/lib/x86_64-linux-gnu/perl-base usr/bin/bash usr/lib/x86_64-linux-gnu/libc.so.6"
    " -xdev -maxdepth 2 -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) | md5sum"
)


def upgrade(guest):
    guest.run(_UPGRADE, limit=180)


def sums(guest):
    """One sum over some hundred files, all of those that the upgrade changes among them; read anew."""
    return guest.run(f"echo 3 > /proc/sys/vm/drop_caches; {_SUMS}", limit=180).split()[0]


def expect_version(guest, version):
    found = guest.run("cat /etc/lab-version")
    if found != f"version {version}":
        raise Failed(f"guest {guest.name}: {found}, not version {version}")


def expect_old(guest, before):
    """The system is the old one, whole."""
    expect_version(guest, 1)
    after = sums(guest)
    if after != before:
        raise Failed(f"guest {guest.name}: its files have the sum {after}, and had {before}")


def reboot(guest):
    """The guest's own reboot: nobody logs out."""
    guest.send("sync; reboot -f")
    if guest.expect(r"LAB: ready version \d+\n|^<<RC \d+>>$", 240).group().startswith("<<"):
        raise Failed(f"guest {guest.name} does not reboot")
