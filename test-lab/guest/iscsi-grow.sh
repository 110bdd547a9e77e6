# SPDX-License-Identifier: Apache-2.0
# Logs in to TARGET at PORTAL, fills an ext4 of BYTES and says GROW-NOW; whoever reads the console then gives the volume GROWN bytes. Sees the unit
# attention, scans the disk again, and grows the mounted file system onto what is new.
. /lab/lib.sh
set -e
start_iscsid

say log in
iscsiadm -m discovery -t st -p "$PORTAL"
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --login
name=$(iscsi_disk); disk=/dev/$name
[ "$(blockdev --getsize64 "$disk")" = "$BYTES" ]

say fill
mkfs.ext4 -q -F "$disk"
mount "$disk" /mnt
dd if=/dev/urandom of=/mnt/old bs=1M count=16 2>/dev/null
sync
(cd /mnt && sha256sum old) > /tmp/sums
before=$(df -k /mnt | awk 'END { print $2 }')

say GROW-NOW
until [ "$(blockdev --getsize64 "$disk")" = "$GROWN" ]; do
  dd if="$disk" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null
  echo 1 > "/sys/block/$name/device/rescan"
done
dmesg | grep -i 'capacity data has changed'

say grow
resize2fs "$disk"
after=$(df -k /mnt | awk 'END { print $2 }')
[ "$after" -gt "$before" ]
dd if=/dev/urandom of=/mnt/new bs=1M count=$(((GROWN - BYTES) / 1048576)) 2>/dev/null
(cd /mnt && sha256sum new) >> /tmp/sums
umount /mnt
echo 3 > /proc/sys/vm/drop_caches

say check
e2fsck -f -n "$disk"
mount -o ro "$disk" /mnt
(cd /mnt && sha256sum -c -s /tmp/sums)
umount /mnt

say log out
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
if dmesg | grep -iE 'i/o error|connection.* error'; then exit 1; fi
echo GUEST-OK
