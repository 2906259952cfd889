#!/usr/bin/env bash
# That the time to propose holds the hardest work that the rules admit: the rounds that fill the optimizer's work bound, run on four
# nodes under the real engine, each block decided in round 0. A minute on a quiet machine; a busy one is slower than the reference
# machine that the bound is counted for.
#   ./scripts/hardest-round.sh
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
exec cargo test --release --locked -p aula-consensus --test network the_hardest_admitted_rounds -- --ignored --nocapture
