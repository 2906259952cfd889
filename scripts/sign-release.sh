#!/usr/bin/env bash
# A release's hashes, signed with the project's own key (Ed25519, OpenSSH signatures: on every Debian).
#   ./scripts/sign-release.sh key FILE           draw a key: FILE stays with who releases, FILE.pub is published
#   ./scripts/sign-release.sh sign DIR FILE      sign DIR/SHA256SUMS, as scripts/package.sh wrote it: DIR/SHA256SUMS.sig
#   ./scripts/sign-release.sh verify DIR FILE.pub    the signature holds, and every file named has its hash
#   ./scripts/sign-release.sh check              tries all of that, and what must be refused
# Exit 0 yes, 1 checked and no, 2 could not.
set -euo pipefail
namespace=aula-release
who=aula-release

could_not() {
  echo "$1" >&2
  exit 2
}

command -v ssh-keygen >/dev/null || could_not "ssh-keygen is missing: install openssh-client"

draw() {
  [ ! -e "$1" ] || could_not "$1 is there: keys are never drawn over one another"
  ssh-keygen -q -t ed25519 -N "${AULA_RELEASE_PASSPHRASE-}" -C "$who" -f "$1"
  echo "publish $1.pub; its fingerprint is $(ssh-keygen -lf "$1.pub" | cut -d' ' -f2)"
}

sign() {
  [ -f "$1/SHA256SUMS" ] || could_not "$1/SHA256SUMS is missing: run scripts/package.sh first"
  # What is signed must be true of the files beside it.
  (cd "$1" && sha256sum --quiet --strict -c SHA256SUMS >&2) || { echo "a hash of $1/SHA256SUMS is not its file's" >&2; exit 1; }
  rm -f "$1/SHA256SUMS.sig"
  ssh-keygen -q -Y sign -f "$2" -n "$namespace" "$1/SHA256SUMS" 2>/dev/null || could_not "$2 does not sign"
  echo "$1/SHA256SUMS.sig"
}

verify() {
  [ -f "$1/SHA256SUMS" ] || could_not "$1/SHA256SUMS is missing"
  [ -f "$1/SHA256SUMS.sig" ] || could_not "$1/SHA256SUMS.sig is missing"
  [ -f "$2" ] || could_not "$2, the published key, is missing"
  local allowed
  allowed=$(mktemp)
  printf '%s namespaces="%s" %s\n' "$who" "$namespace" "$(cut -d' ' -f1,2 "$2")" >"$allowed"
  if ! ssh-keygen -q -Y verify -f "$allowed" -I "$who" -n "$namespace" -s "$1/SHA256SUMS.sig" <"$1/SHA256SUMS" >/dev/null 2>&1; then
    rm -f "$allowed"
    echo "SHA256SUMS is not signed with this key" >&2
    exit 1
  fi
  rm -f "$allowed"
  (cd "$1" && sha256sum --quiet --strict -c SHA256SUMS >&2) || { echo "a file is another than the signed one, or missing" >&2; exit 1; }
  echo "signed, and $(wc -l <"$1/SHA256SUMS") files have their hashes"
}

# refused WHAT DIR KEY CODE: verification ends with that code.
refused() {
  local code=0
  ("$0" verify "$2" "$3" >/dev/null 2>&1) || code=$?
  [ "$code" = "$4" ] || could_not "$1: ended with $code, not $4"
  echo "refused: $1"
}

check() {
  # Not local: the trap outlives the function.
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/dist"
  head -c 4096 /dev/urandom >"$work/dist/aula.deb"
  echo text >"$work/dist/aula.cdx.json"
  (cd "$work/dist" && sha256sum aula.deb aula.cdx.json >SHA256SUMS)
  "$0" key "$work/release" >/dev/null
  "$0" key "$work/other" >/dev/null
  refused "no signature" "$work/dist" "$work/release.pub" 2
  "$0" sign "$work/dist" "$work/release" >/dev/null
  "$0" verify "$work/dist" "$work/release.pub"
  refused "another's key" "$work/dist" "$work/other.pub" 1
  cp -r "$work/dist" "$work/file"
  printf x >>"$work/file/aula.deb"
  refused "a changed file" "$work/file" "$work/release.pub" 1
  cp -r "$work/dist" "$work/gone"
  rm "$work/gone/aula.cdx.json"
  refused "a missing file" "$work/gone" "$work/release.pub" 1
  cp -r "$work/file" "$work/sums"
  (cd "$work/sums" && sha256sum aula.deb aula.cdx.json >SHA256SUMS)
  refused "a changed file with its new hash" "$work/sums" "$work/release.pub" 1
  cp -r "$work/dist" "$work/space"
  rm "$work/space/SHA256SUMS.sig"
  ssh-keygen -q -Y sign -f "$work/release" -n another-purpose "$work/space/SHA256SUMS" 2>/dev/null
  refused "a signature for another purpose" "$work/space" "$work/release.pub" 1
  rm "$work/dist/SHA256SUMS.sig"
  (cd "$work/dist" && ssh-keygen -q -Y sign -f "$work/other" -n "$namespace" SHA256SUMS 2>/dev/null)
  refused "signed again by another" "$work/dist" "$work/release.pub" 1
}

case "${1-} $#" in
  "key 2") draw "$2" ;;
  "sign 3") sign "$2" "$3" ;;
  "verify 3") verify "$2" "$3" ;;
  "check 1") check ;;
  *) sed -n '2,8p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
