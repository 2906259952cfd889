#!/usr/bin/env bash
# A running consortium in one command: four validators on loopback, 42 real districts, final allocations,
# and an evidence bundle that an auditor checks offline. Arguments go to `aula demo`, for example:
#   ./scripts/demo.sh                      stays up until Ctrl-C; open the explorer address it prints
#   ./scripts/demo.sh --once               runs the story and ends
#   ./scripts/demo.sh --validators 7 --once --output json
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
build
exec "$CARGO_TARGET_DIR/release/aula" demo "$@"
