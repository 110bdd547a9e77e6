# SPDX-License-Identifier: Apache-2.0
# A merge waits while a file system on TARGET's LUN 0, the volume vm1, is mounted. What loses the connection is no logout, and the file system goes on.
#   MODE=reconnect  iscsid is restarted, the session is dropped, the server is restarted; then unmounted and logged out: the old files are back
#   MODE=reboot     asks for --on-next-login and goes away without a logout
#   MODE=rebooted   comes back: the old files are there from the first read on
# HOST=ADDRESS:PORT runs the anabranch commands that it is sent, one a connection, and answers with output and "status N"; "restart" restarts the server.
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
# The file system goes on with the new files.
goes_on() {
  say "$1"
  echo 3 > /proc/sys/vm/drop_caches
  sums | cmp - /tmp/new
  echo "$1" > /mnt/log; sync; sums > /tmp/new
  anabranch snapshot list
  grep 'vm1@before .* waiting' /tmp/answer
}
# Waits until a command goes through again.
back() { dd if="$disk" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null; }

start_iscsid
iscsiadm -m discovery -t st -p "$PORTAL"
log_in

if [ "$MODE" = rebooted ]; then
  say the old files
  mount "$disk" /mnt
  [ "$(cat /mnt/f1)" = "old 1" ]
  if [ -e /mnt/new ]; then exit 1; fi
  umount /mnt
  e2fsck -f -n "$disk"
  iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
  echo GUEST-OK
  exit 0
fi

say install
mkfs.ext4 -q -F "$disk"
mount "$disk" /mnt
i=0; while [ $i -lt 50 ]; do echo "old $i" > "/mnt/f$i"; i=$((i + 1)); done
sync
anabranch snapshot create vm1@before

say upgrade
rm /mnt/f1*
mkdir /mnt/new
i=0; while [ $i -lt 100 ]; do echo "new $i" > "/mnt/new/f$i"; i=$((i + 1)); done
dd if=/dev/urandom of=/mnt/new/big bs=1M count=8 2>/dev/null
sync
sums > /tmp/new

if [ "$MODE" = reboot ]; then
  say merge on the next login
  anabranch snapshot merge --on-next-login vm1@before
  grep 'reboot it now' /tmp/answer
  goes_on "mounted until the reboot"
  echo GUEST-OK
  exit 0
fi

say merge, mounted
anabranch snapshot merge vm1@before
grep 'it waits for' /tmp/answer
goes_on asked

kill "$(cat /run/iscsid.pid)"; sleep 1; rm -f /run/iscsid.pid; iscsid
sleep 3; back
goes_on "iscsid restarted"

anabranch session list
anabranch session drop "$(sed -n 's/^ *\([0-9][0-9]*\) .*example:vm1.*/\1/p' /tmp/answer | head -n 1)"
sleep 3; back
goes_on "session dropped"

anabranch restart
back
goes_on "server restarted"

umount /mnt
say log out and in
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
anabranch snapshot merge --wait vm1@before || grep 'there is no snapshot vm1@before' /tmp/answer
log_in
mount "$disk" /mnt
[ "$(cat /mnt/f1)" = "old 1" ]
if [ -e /mnt/new ]; then exit 1; fi
umount /mnt
e2fsck -f -n "$disk"
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
if dmesg | grep -iE 'ext4-fs error|aborted journal'; then exit 1; fi
echo GUEST-OK
