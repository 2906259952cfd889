#!/usr/bin/env bash
# The long crash test of a district's service: it dies at random writes, again and again. The gate runs a dozen.
#   ./scripts/crashes.sh                 1,000 deaths with seed 1
#   ./scripts/crashes.sh 200 7           200 deaths with seed 7
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
build
export AULA_FAULT_KILLS="${1:-1000}" AULA_FAULT_SEED="${2:-1}"
exec cargo test --release --locked -p aula-tests --test crashes -- --nocapture
