#!/usr/bin/env bash
# The second verifier (tests/second, Python, written from EVIDENCE.md alone) and aula-audit are asked the same: pinned
# bundles, changed ones, signed lies, rounds by chance. The seed is printed; --seed N asks the same again.
#   ./scripts/second-verifier.sh                      an hour, seed after seed, until they disagree
#   ./scripts/second-verifier.sh --minutes 5          what compare.py takes: --each --forged --rounds --seed --minutes
# The gate runs one short round. Needs a built aula-audit.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"

cryptography_version=48.0.0

python=python3
command -v python3 >/dev/null || step "Installing python3" install_packages python3
if ! python3 -c "import cryptography" 2>/dev/null; then
  folder="$CARGO_TARGET_DIR/second"
  python="$folder/bin/python3"
  if ! "$python" -c "import cryptography" 2>/dev/null; then
    python3 -c "import venv, ensurepip" 2>/dev/null || step "Installing python3-venv" install_packages python3-venv
    python3 -m venv "$folder"
    step "Installing cryptography $cryptography_version" "$folder/bin/pip" install --quiet "cryptography==$cryptography_version"
  fi
fi
[ $# -gt 0 ] || set -- --minutes 60
"$python" tests/second/zk_vectors.py
exec "$python" tests/second/compare.py --aula-audit "$CARGO_TARGET_DIR/release/aula-audit" "$@"
