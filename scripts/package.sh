#!/usr/bin/env bash
# What an operator installs: the .deb, a tarball of the same, and the bill of materials (CycloneDX), with their hashes. The programs
# carry the same list themselves (cargo-auditable), which `rust-audit-info PROGRAM` and scanners of packages read.
#   ./scripts/package.sh            into TARGET/packages
#   ./scripts/package.sh DIR        into DIR
# Built from the committed sources: what is changed and not committed is refused, unless DIRTY=1 (for a trial). The time in the archives is the last commit's.
# Needs Debian with Rust. The programs are built as scripts/released.sh
# says, beside other builds: the first time all of it is compiled, half an hour on two cores.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
. scripts/released.sh
deb_version=3.8.0
cyclonedx_version=0.5.9

out=$(realpath -m "${1:-$CARGO_TARGET_DIR/packages}")
released="$CARGO_TARGET_DIR/released"
release="$released/release"
parts="$release/packaging"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# What is compiled for: the bills of materials are of this target alone, as the programs are.
target() { rustc -vV | sed -n 's/^host: //p'; }
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
architecture=$(dpkg --print-architecture)

tools() {
  local missing=()
  command -v dpkg-shlibdeps >/dev/null || missing+=(dpkg-dev)
  command -v strip >/dev/null || missing+=(binutils)
  [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
  tool deb "$deb_version"
  tool cyclonedx "$cyclonedx_version"
  tool auditable "$auditable_version"
}

# What the programs say about themselves: the manual and the shells' completions.
texts() {
  rm -rf "$parts"
  mkdir -p "$parts/man"
  "$release/aula" man "$parts/man" >/dev/null
  "$release/aula-audit" man >"$parts/man/aula-audit.1"
  for command in verify inspect certificate; do
    "$release/aula-audit" man "$command" >"$parts/man/aula-audit-$command.1"
  done
  gzip -n -9 "$parts"/man/*.1
  for shell in bash zsh fish; do
    "$release/aula" completion "$shell" >"$parts/aula.$shell"
  done
  printf 'aula (%s-1) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- The Aula authors <aula@localhost>  %s\n' \
    "$version" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -n -9 >"$parts/changelog.Debian.gz"
}

# Every package that is compiled in, with version, hash and licence. The tool writes beside each Cargo.toml, so it is given
# a copy of the sources.
materials() {
  local copy
  copy=$(mktemp -d)
  git archive HEAD | tar -x -C "$copy"
  (cd "$copy" && "$cargo_tools/bin/cargo-cyclonedx" cyclonedx --format json --target "$(target)" \
    --manifest-path Cargo.toml --override-filename materials)
  for package in node:aula node/auditor:aula-audit; do
    # Its serial number is drawn anew each time and its paths are the copy's: neither says anything of the program.
    python3 - "$copy/${package%%:*}/materials.json" "$copy" >"$parts/${package##*:}.cdx.json" <<'PYTHON'
import json, sys
text = open(sys.argv[1]).read().replace("path+file://" + sys.argv[2], "path+file://.")
bill = json.loads(text)
bill.pop("serialNumber", None)
print(json.dumps(bill, indent=1, sort_keys=True))
PYTHON
  done
  rm -rf "$copy"
}

deb() {
  CARGO_TARGET_DIR="$released" "$cargo_tools/bin/cargo-deb" --quiet --no-build --strip -p aula-node --deb-version "$version-1" \
    -o "$out/aula_${version}-1_$architecture.deb"
}

# The programs as they are installed carry their lists, and those and the bills of materials name what Cargo says is compiled in.
compare() {
  local tree
  tree=$(mktemp -d)
  dpkg-deb -x "$out/aula_${version}-1_$architecture.deb" "$tree"
  python3 scripts/packaging/materials.py "$(target)" "aula-node:$tree/usr/bin/aula:$parts/aula.cdx.json" \
    "aula-audit:$tree/usr/bin/aula-audit:$parts/aula-audit.cdx.json"
  rm -rf "$tree"
}

# The same tree without Debian's database, for other distributions with the same C library or a newer one.
tarball() {
  local tree name="aula-$version-$architecture"
  tree=$(mktemp -d)
  dpkg-deb -x "$out/aula_${version}-1_$architecture.deb" "$tree/$name"
  cp LICENSE "$tree/$name/"
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$tree" -c "$name" |
    gzip -n -9 >"$out/$name.tar.gz"
  rm -rf "$tree"
}

[ -n "${DIRTY:-}" ] || [ -z "$(git status --porcelain --untracked-files=no)" ] ||
  stop "these sources have changes that are not committed, and the package would say that it is of $(git rev-parse --short HEAD): commit them, or set DIRTY=1 for a trial"
prepare
step "Getting the tools" tools
step "Building aula and aula-audit with their lists" build_released . "$released" aula-node aula-audit
mkdir -p "$out"
step "Writing the manual and the completions" texts
step "Listing what is compiled in" materials
step "Building the .deb" deb
step "Comparing the lists of what is compiled in" compare
step "Building the tarball" tarball
cp "$parts"/*.cdx.json "$out/"
# By their names: what an earlier version left in the folder is none of this release.
(cd "$out" && sha256sum "./aula_${version}-1_$architecture.deb" "./aula-$version-$architecture.tar.gz" ./aula.cdx.json ./aula-audit.cdx.json | tee SHA256SUMS)
