# SPDX-License-Identifier: Apache-2.0
# Proves itself at PORTAL with each CHAP digest, in one direction and in both, and is refused where it should be. The targets are named
# PREFIX:md5, :sha1, :sha256 and :sha3-256 after the one digest that each takes, PREFIX:hex and :base64 after what their users look like, and
# PREFIX:others, which is there for others.
. /lab/lib.sh
set -e
start_iscsid

# settings TARGET NAME VALUE...: of node.session.auth
settings() {
  target=$PREFIX:$1; shift
  pairs=
  while [ $# -gt 0 ]; do pairs="$pairs -n node.session.auth.$1 -v $2"; shift 2; done
  iscsiadm -m node -T "$target" -p "$PORTAL" -o update $pairs
}
known() { iscsiadm -m node -T "$PREFIX:$1" -p "$PORTAL" -o new > /dev/null; }
add() { known "$1"; settings "$1" authmethod CHAP; }
login() { iscsiadm -m node -T "$PREFIX:$1" -p "$PORTAL" --login > /tmp/login 2>&1; }
logout() { iscsiadm -m node -T "$PREFIX:$1" -p "$PORTAL" --logout > /dev/null; }

admitted() { # TARGET WHAT
  login "$1" || { cat /tmp/login; echo "NOT ADMITTED: $2"; exit 1; }
  disk=$(iscsi_disk) || { echo "NO DISK: $2"; exit 1; }
  dd if="/dev/$disk" of=/dev/null bs=4096 count=1 iflag=direct status=none
  logout "$1"
  echo "ADMITTED $2"
}
refused() { # TARGET WHAT [STATUS]: iscsiadm says 24 for a login that failed for its authorization
  status=0; login "$1" || status=$?
  [ $status = "${3:-24}" ] || { cat /tmp/login; echo "STATUS $status: $2"; exit 1; }
  echo "REFUSED $2"
}
# It is iscsid that computes digests, and an old one knows fewer of them.
has() { strings /bin/iscsid > /tmp/strings; grep -qF -- "$1" /tmp/strings; }
disappointed() { # TARGET WHAT: it is the initiator that ends the login
  if login "$1"; then echo "TRUSTED: $2"; exit 1; fi
  echo "DISAPPOINTED $2"
}

for digest in MD5 SHA1 SHA256 SHA3-256; do
  name=$(echo $digest | tr A-Z a-z)
  say $digest
  if ! has $digest; then echo "WITHOUT $digest: this iscsid does not know it"; continue; fi
  add $name
  settings $name chap_algs $digest username vm1 password "$SECRET"
  admitted $name "$digest"
  settings $name username_in target password_in "$TARGET_SECRET"
  admitted $name "$digest, mutual"
  settings $name password_in wrongwrongwrong1
  disappointed $name "$digest, a target that proves something else"
  settings $name password_in "$TARGET_SECRET" password wrongwrongwrong2
  refused $name "$digest, wrong secret"
  settings $name password "$SECRET" username vm2
  refused $name "$digest, unknown user"
done

say digests
settings md5 username vm1 chap_algs SHA1
refused md5 "a digest that the target does not take"
settings md5 chap_algs SHA1,MD5
admitted md5 "the one digest of two that it does take"
# A record with a user and a secret makes iscsid offer CHAP whatever its authmethod says: so a new one.
iscsiadm -m node -T "$PREFIX:md5" -p "$PORTAL" -o delete
known md5
refused md5 "no CHAP at all"

say names
add hex; settings hex username 0x1234 password "$SECRET"
admitted hex "a user that begins with 0x"
settings hex username 4660
refused hex "the same number"
add base64; settings base64 username 0bQUJD password "$SECRET"
admitted base64 "a user that begins with 0b"

say access
add others; settings others username vm1 password "$SECRET"
# 19, as for a target that does not exist: nobody may learn more who is not on its list.
refused others "an initiator that is not on the list, with the right secret" 19

if iscsiadm -m session; then exit 1; fi
echo GUEST-OK
