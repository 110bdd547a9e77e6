# SPDX-License-Identifier: Apache-2.0
# Does what /lab/steps says, a step a line, with the stores on vda and data to write on vdb:
#   create CONCISE              makes devices (man dmsetup, CONCISE FORMAT), in that order
#   remove NAME...
#   write NAME SECTOR COUNT AT  writes COUNT sectors that are at sector AT of vdb, in one request
#   view NAME...                prints "VIEW NAME sha256" of each
#   status                      prints "STATUS NAME: ..." of every device
#   merge                       waits until no snapshot-merge has anything left to merge, or can't go on
. /lab/lib.sh
set -e

merging() { # the devices that still merge: allocated sectors differ from metadata sectors
  dmsetup status --target snapshot-merge | awk '{ split($5, used, "/"); if ($5 ~ /^[0-9]/ && used[1] != $6) print $1 }'
}

n=0
while read -r verb arguments; do
  n=$((n + 1))
  set -- $arguments
  case $verb in
    create) dmsetup create --noudevsync --concise "$arguments"; dmsetup mknodes;;
    remove) dmsetup remove --noudevsync --retry "$@";;
    write)
      # A block of just that length: dd writes a part of one through the page cache, and so whole pages.
      dd if=/dev/vdb of="/dev/mapper/$1" bs=$(($3 * 512)) count=1 skip=$(($4 * 512)) seek=$(($2 * 512)) \
        iflag=skip_bytes,fullblock oflag=seek_bytes,direct conv=notrunc status=none;;
    view) for name; do echo "VIEW $name $(dd if="/dev/mapper/$name" bs=256k iflag=direct status=none | sha256sum | cut -d' ' -f1)"; done;;
    status) dmsetup status | sed 's/^/STATUS /';;
    merge) while [ -n "$(merging)" ]; do sleep 0.05; done;;
    *) echo "step $n: $verb?"; exit 2;;
  esac
done < /lab/steps
if dmesg | grep -E 'BUG|WARNING|Oops'; then exit 1; fi
echo GUEST-OK
