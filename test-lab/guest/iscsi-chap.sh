# SPDX-License-Identifier: Apache-2.0
# Proves itself at PORTAL with each CHAP digest, in one direction and in both, and is refused where it should be. The targets are named
# PREFIX:md5, :sha1, :sha256 and :sha3-256 after the one digest that each takes, and PREFIX:hex and :base64 after what their users look like.
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
add() { iscsiadm -m node -T "$PREFIX:$1" -p "$PORTAL" -o new > /dev/null; settings "$1" authmethod CHAP; }
login() { iscsiadm -m node -T "$PREFIX:$1" -p "$PORTAL" --login > /tmp/login 2>&1; }
logout() { iscsiadm -m node -T "$PREFIX:$1" -p "$PORTAL" --logout > /dev/null; }

admitted() { # TARGET WHAT
  login "$1" || { cat /tmp/login; echo "NOT ADMITTED: $2"; exit 1; }
  disk=$(iscsi_disk) || { echo "NO DISK: $2"; exit 1; }
  dd if="/dev/$disk" of=/dev/null bs=4096 count=1 iflag=direct status=none
  logout "$1"
  echo "ADMITTED $2"
}
refused() { # TARGET WHAT: iscsiadm says 24 for a login that failed for its authorization
  status=0; login "$1" || status=$?
  [ $status = 24 ] || { cat /tmp/login; echo "STATUS $status: $2"; exit 1; }
  echo "REFUSED $2"
}
disappointed() { # TARGET WHAT: it is the initiator that ends the login
  if login "$1"; then echo "TRUSTED: $2"; exit 1; fi
  echo "DISAPPOINTED $2"
}

for digest in MD5 SHA1 SHA256 SHA3-256; do
  name=$(echo $digest | tr A-Z a-z)
  say $digest
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
settings sha256 username vm1 chap_algs MD5,SHA1
refused sha256 "a digest that the target does not take"
settings sha256 chap_algs SHA3-256,SHA256,SHA1,MD5
admitted sha256 "the one digest of four that it does take"
settings sha256 authmethod None
refused sha256 "no CHAP at all"

say names
add hex; settings hex username 0x1234 password "$SECRET"
admitted hex "a user that begins with 0x"
settings hex username 4660; refused hex "the same number"
add base64; settings base64 username 0bQUJD password "$SECRET"
admitted base64 "a user that begins with 0b"

if iscsiadm -m session; then exit 1; fi
echo GUEST-OK
