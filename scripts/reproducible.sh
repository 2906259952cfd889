#!/usr/bin/env bash
# Two builds of the committed sources in different folders, as package.sh builds what is released: byte for byte the same, or where they differ.
#   ./scripts/reproducible.sh                    both programs: twice the whole build, RocksDB too; 40 minutes and 20 GB
#   ./scripts/reproducible.sh aula-audit         the auditor's program alone, the same bytes as in the package before it is stripped: minutes
#   ./scripts/reproducible.sh --debs             package.sh twice, and all that it makes: .deb, tarball, bills of materials; as long as both programs
# Exit 0 the same, 1 they differ, 2 could not build. What is kept out of the bytes is in scripts/released.sh.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
. scripts/released.sh
debs=
[ "${1:-}" != --debs ] || { debs=1; shift; }
packages=("$@")
[ ${#packages[@]} -gt 0 ] || packages=(aula-node aula-audit)
work=$(mktemp -d "${TMPDIR:-/tmp}/aula-reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ "${packages[*]}" = aula-audit ]; then need_gb=4; else need_gb=20; fi
(room "$work" "$need_gb" TMPDIR) || exit 2
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
tool auditable "$auditable_version" || exit 2

# build FOLDER: what is compared into FOLDER/made, from FOLDER/src. The whole history's names are there, as where a release is built.
build() {
  local begun=$SECONDS
  printf '\n== Building in %s\n' "$(basename "$1")" >&2
  git clone --quiet --no-checkout . "$1/src"
  git -C "$1/src" checkout --quiet --detach "$(git rev-parse HEAD)"
  mkdir "$1/made"
  if [ -n "$debs" ]; then
    CARGO_TOOLS="$cargo_tools" CARGO_TARGET_DIR="$1/target" "$1/src/scripts/package.sh" "$1/made" >&2 || exit 2
  else
    build_released "$1/src" "$1/target" "${packages[@]}" || exit 2
    for program in aula aula-audit; do
      [ ! -f "$1/target/release/$program" ] || mv "$1/target/release/$program" "$1/made/"
    done
  fi
  [ -n "$(ls "$1/made")" ] || { echo "the build in $(basename "$1") made nothing" >&2; exit 2; }
  printf '== done: %s (%d min %02d s)\n' "$(basename "$1")" $(((SECONDS - begun) / 60)) $(((SECONDS - begun) % 60)) >&2
}

# texts FILE: what it says, a line each; of a package the hashes of what it holds.
# tar's own variable.
# shellcheck disable=SC2016
texts() {
  case $1 in
    *.deb) dpkg-deb --fsys-tarfile "$1" | tar -x --to-command='echo "$(sha256sum | cut -d" " -f1) $TAR_FILENAME"' | sort ;;
    *.tar.gz) tar -xzf "$1" --to-command='echo "$(sha256sum | cut -d" " -f1) $TAR_FILENAME"' | sort ;;
    *) strings -n 8 "$1" | sort ;;
  esac
}

one="$work/one" another="$work/another-folder-with-a-longer-name"
mkdir "$one" "$another"
build "$one"
build "$another"
status=0
for first in "$one"/made/*; do
  name=$(basename "$first")
  second="$another/made/$name"
  if cmp -s "$first" "$second"; then
    echo "$name: the same, sha256 $(sha256sum <"$first" | cut -d' ' -f1)"
    continue
  fi
  status=1
  [ -f "$second" ] || { echo "$name: made once"; continue; }
  differing=$(cmp -l "$first" "$second" 2>/dev/null | wc -l || true)
  echo "$name: they differ in $differing bytes, $(stat -c %s "$first") and $(stat -c %s "$second") long"
  cmp "$first" "$second" || true
  diff <(texts "$first") <(texts "$second") | head -20 || true
  ! command -v objdump >/dev/null || diff <(objdump -h "$first" 2>/dev/null) <(objdump -h "$second" 2>/dev/null) | head -20 || true
done
for second in "$another"/made/*; do
  [ -e "$one/made/$(basename "$second")" ] || { status=1; echo "$(basename "$second"): made once"; }
done
exit $status
