# shellcheck shell=bash
# Sourced after prepare.sh: how a program that is released is built, by package.sh and by reproducible.sh alike, so that what is compared is what is
# handed out.

auditable_version=0.7.7
# Programs of Cargo's are kept from one run to the next.
cargo_tools=$(realpath -m "${CARGO_TOOLS:-$CARGO_TARGET_DIR/tools}")

# tool NAME VERSION: cargo-NAME of that version, from an earlier run or built now, small and without optimization.
tool() {
  grep -qsF "\"cargo-$1 $2 " "$cargo_tools/.crates.toml" ||
    cargo install --quiet --locked --debug --root "$cargo_tools" --target-dir "$cargo_tools/build" "cargo-$1@$2"
}

# build_released SOURCES TARGET PACKAGE...: the packages' programs into TARGET/release, each linked with the list of what is compiled into it
# (cargo-auditable). Each is built by itself: the features of what it uses are its own, whatever else is built. Kept out of the bytes are the folders of
# sources, target, registry and toolchain, the linker's build id, and the time, by SOURCE_DATE_EPOCH.
build_released() (
  sources=$(realpath "$1") target=$(realpath -m "$2")
  shift 2
  registry=$(realpath -m "${CARGO_HOME:-$HOME/.cargo}")
  sysroot=$(rustc --print sysroot)
  cd "$sources" || exit 1
  # Where two fit, the last counts: TARGET may lie in SOURCES.
  maps="--remap-path-prefix=$sysroot=/rust --remap-path-prefix=$registry=/cargo --remap-path-prefix=$sources=/aula"
  export RUSTFLAGS="$maps --remap-path-prefix=$target=/target -C link-arg=-Wl,--build-id=none"
  export CFLAGS="-ffile-prefix-map=$registry=/cargo -ffile-prefix-map=$sources=/aula -ffile-prefix-map=$target=/target"
  export CXXFLAGS="$CFLAGS" CARGO_INCREMENTAL=0 PATH="$cargo_tools/bin:$PATH"
  for package in "$@"; do
    cargo auditable build --release --locked --target-dir "$target" --package="$package" || exit 1
  done
)
