# SPDX-License-Identifier: Apache-2.0
# Discovers PORTAL, logs in to TARGET, makes a file system, writes, checks, compares and logs out. DIGEST=1 asks for CRC32C on headers and data.
. /lab/lib.sh
set -e
start_iscsid

say discover
iscsiadm -m discovery -t st -p "$PORTAL"
iscsiadm -m node
iscsiadm -m node | grep -F "$PORTAL," | grep -F "$TARGET"
want=None
if [ -n "$DIGEST" ]; then
  want=CRC32C
  for side in HeaderDigest DataDigest; do
    iscsiadm -m node -T "$TARGET" -p "$PORTAL" -o update -n "node.conn[0].iscsi.$side" -v CRC32C
  done
fi

say log in
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --login
for side in HeaderDigest DataDigest; do iscsiadm -m session -P 2 | grep "$side: $want"; done
name=$(iscsi_disk); disk=/dev/$name
[ "$(blockdev --getsize64 "$disk")" = "$BYTES" ]
sg_inq "$disk" | grep -i 'vendor identification: *ANABRNCH'
sg_vpd -p di "$disk"
sg_vpd -p lbpv "$disk" | grep 'Logical block provisioning'

say fill
mkfs.ext4 -q -F "$disk"
mount "$disk" /mnt
dd if=/dev/urandom of=/mnt/big bs=1M count=24 2>/dev/null
i=0; while [ $i -lt 200 ]; do echo "file $i" > "/mnt/f$i"; i=$((i + 1)); done
(cd /mnt && sha256sum big f*) > /tmp/sums
umount /mnt
echo 3 > /proc/sys/vm/drop_caches

say check
e2fsck -f -n "$disk"
mount -o ro "$disk" /mnt
(cd /mnt && sha256sum -c -s /tmp/sums)
umount /mnt

say trim
mount "$disk" /mnt
rm /mnt/big
fstrim -v /mnt
umount /mnt
e2fsck -f -n "$disk"

say log out
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
if iscsiadm -m session; then exit 1; fi
if dmesg | grep -iE 'i/o error|connection.* error|digest error'; then exit 1; fi
echo GUEST-OK
