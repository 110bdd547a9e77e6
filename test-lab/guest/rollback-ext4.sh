# SPDX-License-Identifier: Apache-2.0
# A file system on TARGET's LUN 0, the volume vm1, is snapshotted while it is mounted, changed, and rolled back: the old files are back.
#   MODE=now       unmounted, the initiator stays logged in: merge --now
#   MODE=deferred  merge is asked for while it is mounted; it begins after the logout
# HOST=ADDRESS:PORT runs the anabranch commands that it is sent, one a connection, and answers with output and "status N".
. /lab/lib.sh
set -e

anabranch() {
  echo "# anabranch $*"
  echo "$*" | socat -t 120 - "TCP:$HOST" > /tmp/answer
  cat /tmp/answer
  tail -n 1 /tmp/answer | grep -qx 'status 0'
}
log_in() { iscsiadm -m node -T "$TARGET" -p "$PORTAL" --login; disk=/dev/$(iscsi_disk); }
sums() { (cd /mnt && find . -type f -not -path './lost+found/*' | sort | xargs sha256sum); }

start_iscsid
iscsiadm -m discovery -t st -p "$PORTAL"
log_in

say install
mkfs.ext4 -q -F "$disk"
mount "$disk" /mnt
dd if=/dev/urandom of=/mnt/big bs=1M count=8 2>/dev/null
i=0; while [ $i -lt 100 ]; do echo "file $i" > "/mnt/f$i"; i=$((i + 1)); done
sums > /tmp/old

say snapshot, mounted
fsfreeze --freeze /mnt
anabranch snapshot create vm1@before-upgrade
fsfreeze --unfreeze /mnt

say upgrade
rm /mnt/f1* /mnt/big
dd if=/dev/urandom of=/mnt/new bs=1M count=12 2>/dev/null
i=50; while [ $i -lt 150 ]; do echo "new file $i" > "/mnt/f$i"; i=$((i + 1)); done
sync
sums > /tmp/new
if cmp -s /tmp/old /tmp/new; then exit 1; fi

if [ "$MODE" = deferred ]; then
  say merge, mounted
  anabranch snapshot merge vm1@before-upgrade
  grep 'will be rolled back when nobody uses it' /tmp/answer
  echo 3 > /proc/sys/vm/drop_caches
  sums | cmp - /tmp/new
  anabranch snapshot list
  grep 'vm1@before-upgrade .* waiting' /tmp/answer
  umount /mnt
  say log out and in
  iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
  anabranch snapshot merge --wait vm1@before-upgrade || grep 'there is no snapshot vm1@before-upgrade' /tmp/answer
  log_in
else
  say merge, logged in
  umount /mnt
  anabranch snapshot merge --now --wait vm1@before-upgrade
  blockdev --flushbufs "$disk"
fi

say the old files
mount "$disk" /mnt
sums | cmp - /tmp/old
umount /mnt
e2fsck -f -n "$disk"
anabranch snapshot list
if grep vm1@ /tmp/answer; then exit 1; fi
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
if dmesg | grep -iE 'i/o error|connection.* error|ext4-fs error'; then exit 1; fi
echo GUEST-OK
