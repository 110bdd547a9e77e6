# SPDX-License-Identifier: Apache-2.0
# Asks and tells a LUN of BYTES bytes (512-byte blocks in 4 KiB physical ones, thin) everything that sg3-utils can, and looks at the answers.
# STEP=1 does it all and leaves a registration with APTPL behind; STEP=2, after a restart of the server, looks for that and clears it.
. /lab/lib.sh
start_iscsid

# has PATTERN... -- COMMAND...: the command succeeds and prints a line like each of the patterns (blanks count as one)
has() {
  patterns=; while [ "$1" != -- ]; do patterns="$patterns$1
"; shift; done; shift
  echo "\$ $*"
  "$@" >/tmp/said 2>&1; status=$?; cat /tmp/said
  [ $status = "${want:-0}" ] || { echo "SG3: exit status $status, not ${want:-0}: $*"; exit 1; }
  tr -s ' \t' ' ' </tmp/said >/tmp/words
  printf %s "$patterns" >/tmp/patterns
  while IFS= read -r pattern; do
    grep -qiE -e "$pattern" /tmp/words || { echo "SG3: no '$pattern': $*"; exit 1; }
  done </tmp/patterns
}
# fails STATUS PATTERN... -- COMMAND...: the same with another exit status (sg3-utils: 2 not ready, 5 illegal request, 6 attention, 14 miscompare, 22 no such LBA, 24 conflict)
fails() { want=$1; shift; has "$@"; want=0; }
same() { cmp "$1" "$2" || { echo "SG3: $1 and $2 differ"; exit 1; }; }
take() { dd if=$disk of="$1" bs=512 skip="$2" count="$3" iflag=direct 2>/dev/null; }
ready() { while ! sg_turs $disk >/dev/null 2>&1; do sleep 0.2; done; }

iscsiadm -m discovery -t st -p "$PORTAL"
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --login || exit 1
disk=/dev/$(iscsi_disk)
sg=/dev/sg0
[ -c $sg ] || exit 1
blocks=$((BYTES / 512))
last=$((blocks - 1))
ready

if [ "$STEP" = 2 ]; then
  say what the restart kept
  has '1 registered reservation key' '0x123abc$' -- sg_persist -k $disk
  has 'Key=0x123abc' 'type: Write Exclusive, registrants only' -- sg_persist -r $disk
  has 'Reservation holder' 'iqn.2026-01.lab:guest,i,0x' -- sg_persist -s $disk
  has 'PTPL_A\): 1' -- sg_persist -c $disk
  sg_persist -o -C -K 0x123abc $disk || exit 1
  has 'there are NO registered' -- sg_persist -k $disk
  iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
  echo GUEST-OK
  exit 0
fi

say who it is
has 'PQual=0 PDT=0 RMB=0' '\[SPC-4\]' 'HiSUP=1 Resp_data_format=2' 'TPGS=1 3PC=1 Protect=0' 'CmdQue=1' 'length=96' 'Vendor identification: ANABRNCH' \
  'Unit serial number: [0-9a-f]{12}' 'SAM-5' 'iSCSI' 'SPC-4' 'SBC-3' -- sg_inq -d $disk
has 'Supported VPD pages \[sv\]' 'Unit serial number' 'designator type: NAA' '0x3[0-9a-f]{15}' 'vendor id: ANABRNCH' 'Relative target port: 0x1' \
  "$TARGET,t,0x0001" 'HEADSUP=1 ORDSUP=1 SIMPSUP=1' 'V_SUP=1' 'Extended copy\(LID1\)' 'Maximum segment descriptor count: 256' \
  'Maximum compare and write length: 255 blocks' 'Optimal transfer length granularity: 8 blocks' 'Maximum unmap LBA count: 1048576' \
  'Optimal unmap granularity: 8 blocks' 'Unmap granularity alignment valid: true' 'Maximum atomic transfer length: 0' 'Non-rotating medium' 'WABEREQ=1' 'WACEREQ=1' \
  '\(LBPU\): 1' '\(LBPWS\): 1' '\(LBPWS10\): 1' '\(LBPRZ\): 1' 'thin provisioned' -- sg_vpd -a $disk
if grep -i 'response length too short\|bad\|malformed' /tmp/said; then exit 1; fi

say how large it is
has "Last LBA=$last " 'block length=512 bytes' -- sg_readcap $disk
has 'prot_en=0' 'lbpme=1, lbprz=1' "Last LBA=$last " 'block length=512 bytes' 'physical block length=4096' 'Lowest aligned LBA=0' -- sg_readcap -l $disk

say its modes
has 'WP=0, DpoFua=1' '>> Caching, page_control: current' '00 08 12 04' '>> Control, page_control: current' '>> Informational exceptions' -- sg_modes -a $disk
has '00 08 12 04' -- sg_modes -6 -p 8 $disk
has '00 0a 0a' -- sg_modes -p 10 $disk

say its commands
has ' 00 6 .*Test Unit Ready' ' 41 10 .*Write same\(10\)' ' 42 10 .*Unmap' ' 48 1 10 .*Sanitize, overwrite' ' 48 2 10 .*Sanitize, block erase' ' 48 3 10 .*Sanitize, cryptographic erase' \
  ' 5f 6 10 .*register and ignore' ' 83 0 16 .*Extended copy' ' 89 16 .*Compare and write' ' 93 16 .*Write same\(16\)' ' 9e 12 16 .*Get LBA status' \
  ' a0 12 .*Report luns' ' a3 a 12 .*Report target port groups' -- sg_opcodes $disk
if grep -i 'write atomic' /tmp/said; then exit 1; fi
has 'Usage data: 2a 18 ff ff ff ff 1f ff ff 00' -- sg_opcodes --opcode=0x2a $disk
has 'Abort task$' 'Abort task set' 'Clear task set' 'Logical unit reset' 'Target reset' -- sg_opcodes -t $disk
if grep -i 'query\|nexus' /tmp/said; then exit 1; fi
has '^ 0000000000000000$' -- sg_luns $disk
has 'asymmetric access state : 0x00' 'AO_SUP : 1' -- sg_rtpg $disk
has 'Informational exceptions' 'IE asc = 0x0' -- sg_logs -a $disk
has 'Sense key: No Sense' -- sg_requests $disk

say self-test
has -- sg_senddiag -t $disk

say provisioning
dd if=/dev/urandom of=/tmp/random bs=4096 count=64 2>/dev/null
dd if=/tmp/random of=$disk bs=4096 oflag=direct 2>/dev/null || exit 1
has 'LBA: 0x0+ blocks: 512 mapped' '\[2\] LBA: 0x0+200 .* deallocated' -- sg_get_lba_status -m 4096 $disk
has -- sg_unmap --force --lba=16 --num=64 $disk
has 'LBA: 0x0+ blocks: 16 mapped' 'LBA: 0x0+10 blocks: 64 deallocated' 'LBA: 0x0+50 blocks: 432 mapped' -- sg_get_lba_status -m 4096 $disk
take /tmp/there 16 64; head -c 32768 /dev/zero >/tmp/zeros; same /tmp/there /tmp/zeros
has -- sg_write_same -S --lba=80 --num=16 --unmap $disk
has 'LBA: 0x0+10 blocks: 80 deallocated' -- sg_get_lba_status -m 4096 $disk
head -c 512 /lab/guest.sh >/tmp/block # no zeros in it
has -- sg_write_same -S --lba=80 --num=2 --unmap --in=/tmp/block --xferlen=512 $disk
take /tmp/there 80 2; head -c 1024 /dev/zero >/tmp/zeros; same /tmp/there /tmp/zeros
fails 22 -- sg_get_lba_status --lba=$blocks $disk
has -- sg_unmap --force --lba=$last --num=1 $disk
fails 22 -- sg_unmap --force --lba=$last --num=2 $disk

say write same, compare and write, verify
has -- sg_write_same --16 --lba=16 --num=3 --in=/tmp/block --xferlen=512 $disk
take /tmp/there 16 3; cat /tmp/block /tmp/block /tmp/block >/tmp/thrice; same /tmp/there /tmp/thrice
has -- sg_write_same --10 --lba=16 --num=3 --in=/dev/zero --xferlen=512 $disk
take /tmp/there 16 3; head -c 1536 /dev/zero >/tmp/zeros; same /tmp/there /tmp/zeros
head -c 512 /dev/zero >/tmp/old; cat /tmp/old /tmp/block >/tmp/pair
has -- sg_compare_and_write --in=/tmp/pair --lba=17 $disk
take /tmp/there 17 1; same /tmp/there /tmp/block
head -c 100 /tmp/block >/tmp/almost; head -c 412 /dev/zero >>/tmp/almost; cat /tmp/almost /tmp/old >/tmp/pair
fails 14 'Miscompare at byte offset: 100' -- sg_compare_and_write --in=/tmp/pair --lba=17 $disk
take /tmp/there 17 1; same /tmp/there /tmp/block
has -- sg_verify --lba=0 --count=64 $disk
has -- sg_verify --ndo=512 --in=/tmp/block --lba=17 --count=1 $disk
fails 14 -- sg_verify --ndo=512 --in=/tmp/old --lba=17 --count=1 $disk
has -- sg_sync $disk

say copy
has 'Copy from block device to block device' 'Maximum segment length: 16777216' -- sg_copy_results -p $disk
has -- sg_xcopy if=$sg of=$sg bs=512 skip=128 seek=4096 count=300
take /tmp/from 128 300; take /tmp/to 4096 300; same /tmp/from /tmp/to

say reservations
has 'PTPL_C\): 1' 'ATP_C\): 1' 'SIP_C\): 1' -- sg_persist -c $disk
has 'there are NO registered' -- sg_persist -k $disk
fails 24 -- sg_persist -o -R -K 0x1 -T 5 $disk
has -- sg_persist -o -G -S 0x123abc -Z -T 5 $disk
has '0x123abc$' -- sg_persist -k $disk
has -- sg_persist -o -R -K 0x123abc -T 5 $disk
has 'Key=0x123abc' 'type: Write Exclusive, registrants only' -- sg_persist -r $disk
has -- sg_persist -o -M -K 0x123abc -S 0x123abd -Q 1 -X iqn.2026-01.lab:other,i,0x00023d000009 -T 5 -Z $disk
has 'Key=0x123abd' -- sg_persist -r $disk
has -- sg_persist -o -P -K 0x123abc -S 0x123abd -T 5 $disk
has 'Key=0x123abc' 'type: Write Exclusive, registrants only' -- sg_persist -r $disk

say sanitize
has -- sg_sanitize --overwrite --pattern=/tmp/almost --quick --early $disk
fails 2 'sanitize in progress' -- sg_turs -v $disk
has 'Progress indication: [0-9.]+% done' -- sg_requests -p $disk
fails 2 -- sg_sanitize --block --quick --wait $disk
ready
take /tmp/there $((blocks - 2)) 2; cat /tmp/almost /tmp/almost >/tmp/wanted; same /tmp/there /tmp/wanted
has -- sg_sanitize --block --quick --wait $disk
has "LBA: 0x0+ blocks: $blocks deallocated" -- sg_get_lba_status -m 4096 $disk
has -- sg_sanitize --overwrite --pattern=/tmp/almost --invert --count=2 --quick --wait $disk
take /tmp/there $((blocks - 2)) 2; same /tmp/there /tmp/wanted
has -- sg_sanitize --crypto --quick --wait $disk
has "LBA: 0x0+ blocks: $blocks deallocated" -- sg_get_lba_status -m 4096 $disk

say resets
has -- sg_reset -d $disk
fails 6 'Bus device reset function occurred' -- sg_turs -v $disk
has -- sg_turs $disk
has -- sg_reset -t $disk
fails 6 'reset occurred' -- sg_turs -v $disk
has -- sg_turs $disk
has 'Key=0x123abc' -- sg_persist -r $disk

say log out
iscsiadm -m node -T "$TARGET" -p "$PORTAL" --logout
echo GUEST-OK
