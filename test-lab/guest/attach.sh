# SPDX-License-Identifier: Apache-2.0
# A host that waits for a server to come: logs in to TARGET at PORTAL as soon as it can, reads its disk of BYTES, and logs out.
. /lab/lib.sh
set -e
start_iscsid
iscsiadm -m node -o new -T "$TARGET" -p "$PORTAL"
say READY
until iscsiadm -m node -T "$TARGET" -p "$PORTAL" --login >/tmp/login 2>&1; do sleep 0.3; done
disk=/dev/$(iscsi_disk)
[ "$(blockdev --getsize64 "$disk")" = "$BYTES" ]
dd if="$disk" of=/dev/null bs=1M count=1 iflag=direct 2>/dev/null
say ATTACHED
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
echo GUEST-OK
