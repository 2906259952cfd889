#!/usr/bin/env bash
# Two builds of the committed sources in different folders: byte for byte the same, or where they differ.
#   ./scripts/reproducible.sh                    both programs: twice the whole build, RocksDB too; 40 minutes and 20 GB
#   ./scripts/reproducible.sh aula-audit         the auditor's program alone: minutes
# Exit 0 the same, 1 they differ, 2 could not build. What is kept out of the bytes: the folders of sources, registry and toolchain, and the
# time (SOURCE_DATE_EPOCH is the commit's).
set -euo pipefail
cd "$(dirname "$0")/.."
packages=("$@")
[ ${#packages[@]} -gt 0 ] || packages=(aula-node aula-audit)
work=$(mktemp -d "${TMPDIR:-/tmp}/aula-reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
registry=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)

# build FOLDER: into FOLDER/target, from FOLDER/src.
build() {
  mkdir -p "$1/src"
  git archive HEAD | tar -x -C "$1/src"
  local maps="--remap-path-prefix=$1/src=/aula --remap-path-prefix=$registry=/cargo --remap-path-prefix=$sysroot=/rust"
  local flags="-ffile-prefix-map=$1=/aula -ffile-prefix-map=$registry=/cargo"
  (
    cd "$1/src"
    export CARGO_TARGET_DIR="$1/target" CARGO_INCREMENTAL=0 CFLAGS="$flags" CXXFLAGS="$flags"
    export RUSTFLAGS="$maps -C link-arg=-Wl,--build-id=none"
    cargo build --release --locked "${packages[@]/#/--package=}"
  ) || exit 2
}

build "$work/one"
build "$work/another-folder-with-a-longer-name"
status=0
for program in aula aula-audit; do
  first="$work/one/target/release/$program"
  second="$work/another-folder-with-a-longer-name/target/release/$program"
  [ -f "$first" ] && [ -f "$second" ] || continue
  if cmp -s "$first" "$second"; then
    echo "$program: the same, sha256 $(sha256sum <"$first" | cut -d' ' -f1)"
    continue
  fi
  status=1
  echo "$program: they differ in $(cmp -l "$first" "$second" | wc -l) bytes, $(stat -c %s "$first") and $(stat -c %s "$second") long"
  cmp "$first" "$second" || true
  diff <(strings -n 8 "$first" | sort) <(strings -n 8 "$second" | sort) | head -20 || true
  command -v objdump >/dev/null && diff <(objdump -h "$first") <(objdump -h "$second") | head -20 || true
done
exit $status
