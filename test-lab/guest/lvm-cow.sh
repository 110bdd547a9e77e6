# SPDX-License-Identifier: Apache-2.0
# LVM2 makes a snapshot of a volume on vda, both are written to, and the snapshot's cow volume goes to vdb as it is.
# Prints "COW-BYTES n", and "STATUS" with dmsetup's line of the snapshot.
. /lab/lib.sh
set -e
pvcreate -qq -y /dev/vda
vgcreate -qq v /dev/vda
lvcreate -qq -y -Zn -Wn -L 8M -n o v
lvcreate -qq -y -s -L 4M -c 4k -n s v/o
write() { # DEVICE CHUNK COUNT
  dd if=/dev/urandom of="$1" bs=4k seek="$2" count="$3" oflag=direct conv=notrunc status=none
}
write /dev/v/o 0 10
write /dev/v/o 300 1
write /dev/v/s 5 3
write /dev/v/s 2000 40
echo "STATUS $(dmsetup status v-s)"
# Inactive, so that all of it is on the disk and nobody uses it; LVM lets nobody else activate the cow volume.
bytes=$(blockdev --getsize64 /dev/mapper/v-s-cow)
dmsetup table v-s-cow > /root/cow.table
vgchange -qq -an v
dmsetup create --noudevsync cow < /root/cow.table
dmsetup mknodes
dd if=/dev/mapper/cow of=/dev/vdb bs=1M oflag=direct status=none
echo "COW-BYTES $bytes"
if dmesg | grep -E 'BUG|WARNING|Oops'; then exit 1; fi
echo GUEST-OK
