#!/usr/bin/env bash
# The long fault tests: nodes killed at random moments under load, again and again. The gate runs four kills.
#   ./scripts/faults.sh                  30 kills with seed 1
#   ./scripts/faults.sh 200 7            200 kills with seed 7
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
build
export AULA_FAULT_KILLS="${1:-30}" AULA_FAULT_SEED="${2:-1}"
exec cargo test --release --locked -p aula-tests --test faults -- --nocapture
