#!/usr/bin/env bash
# The whole gate, the same here and in CI: format, lints, build, tests, documentation, licences.
#   ./scripts/test.sh                         everything
#   ./scripts/test.sh -p aula-ledger merkle   only these tests (arguments go to cargo test), no other step
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
# The auditor's verifier is tested as WebAssembly too, and Node.js is what runs it here.
command -v node >/dev/null || step "Installing nodejs" install_packages nodejs
if [ $# -gt 0 ]; then
  exec cargo test --release --locked "$@"
fi

deny_version=0.20.2
schemathesis_version=4.32.5
openapi_validator_version=0.9.0

# Licences of every dependency, double versions, and where they come from. Known vulnerabilities need a
# database from the network and are checked apart: cargo deny check advisories.
licences() {
  local deny="$CARGO_TARGET_DIR/tools/bin/cargo-deny"
  if ! "$deny" --version 2>/dev/null | grep -qF "$deny_version"; then
    # A small debug build: it runs for a second.
    cargo install --quiet --locked --debug --root "$CARGO_TARGET_DIR/tools" \
      --target-dir "$CARGO_TARGET_DIR/tools/build" "cargo-deny@$deny_version"
  fi
  "$deny" --log-level error check --hide-inclusion-graph licenses bans sources
}

# The explorer in Chromium. The packages' names and hashes stand in the lock file; they are installed outside the
# checkout. AULA_CHROMIUM names another browser than Debian's.
browser() {
  local folder="$CARGO_TARGET_DIR/browser" chromium="${AULA_CHROMIUM:-/usr/bin/chromium}"
  [ -x "$chromium" ] || install_packages chromium
  command -v npm >/dev/null || install_packages npm
  mkdir -p "$folder"
  cp tests/browser/*.mjs tests/browser/package.json tests/browser/package-lock.json "$folder/"
  if [ ! -x "$folder/python/bin/st" ] || [ ! -x "$folder/python/bin/openapi-spec-validator" ]; then
    python3 -c "import venv, ensurepip" 2>/dev/null || install_packages python3-venv
    python3 -m venv "$folder/python"
    "$folder/python/bin/pip" install --quiet "schemathesis==$schemathesis_version" \
      "openapi-spec-validator==$openapi_validator_version"
  fi
  "$folder/python/bin/openapi-spec-validator" node/openapi.json
  export AULA_SCHEMATHESIS="$folder/python/bin/st"
  npm ci --silent --no-audit --no-fund --prefix "$folder"
  # Its own rules beside the format's; it asks for a newer Node.js than Debian 12 has.
  if node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'; then
    REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true "$folder/node_modules/.bin/redocly" lint --extends=recommended node/openapi.json
  else
    echo "node/openapi.json is not linted by @redocly/cli: that needs Node.js 20.19, and here is $(node --version)" >&2
  fi
  node "$folder/run.mjs" "$CARGO_TARGET_DIR/release/aula" "$chromium"
}

# Steps that only compile. They run beside the tests, which wait for blocks and disks much of their time, and take what those leave of the
# processor.
compiled() {
  # Cargo locks the target folder while it looks whether anything is to be built, and the tests come first.
  sleep 20
  # Compiles the simulator and consensus a second time, for this test alone: of the workspace, so that what they stand on is the same.
  step "Planting bugs for the simulator to find" cargo test --release --locked --workspace --features aula-sim/planted --test planted
  step "Building the documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps
  step "Checking the licences of all dependencies" licences
}

started=$SECONDS
step "Checking the format" cargo fmt --all --check
build_with_tests
step "Running the lints" cargo clippy --release --locked --workspace --all-targets -- -D warnings
beside "$CARGO_TARGET_DIR/beside-the-tests.log" compiled
step "Running the tests" cargo test --release --locked --workspace --no-fail-fast
joined "Waiting for the steps beside the tests"
step "Asking the second verifier the same" ./scripts/second-verifier.sh --each 15 --forged 2 --rounds 10
step "Testing the explorer in a browser" browser
printf '\nThe gate passed in %d minutes.\n' $(((SECONDS - started) / 60)) >&2
