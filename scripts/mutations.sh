#!/usr/bin/env bash
# 10,000 mutations over every kind of bundle, refused alike by library, program and WebAssembly. Several minutes; the
# gate runs a few hundred.   ./scripts/mutations.sh [NUMBER]
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
AULA_MUTATIONS="${1:-10000}" cargo test --release --locked -p aula-audit --test three_doors
