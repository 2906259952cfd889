#!/usr/bin/env bash
# A newcomer to a long chain: by a snapshot with one lying peer of three, and by every block; and what an idle block costs
# on disk before and after pruning under load, and how much slower the chain is meanwhile. Prints one line of JSON. Everything runs on
# this machine: compare ratios. Takes four times the chain's bytes of disk.
#   ./scripts/bench-join.sh                   20,000 blocks and more, about 1 GB
#   ./scripts/bench-join.sh 10                a tenth of that
#   BLOCKS=2000 TRANSACTIONS=20000 ./scripts/bench-join.sh
# AULA (target/release/aula) and DIR (a temporary folder) may be set; a DIR that holds a past is used again.
set -euo pipefail
aula=${AULA:-target/release/aula}
part=${1:-100} # percent
blocks=${BLOCKS:-$((20000 * part / 100))} transactions=${TRANSACTIONS:-$((600000 * part / 100))}
dir=${DIR:-$(mktemp -d)}
[ -n "${DIR:-}" ] || trap 'rm -rf "$dir"' EXIT

"$aula" bench join --dir "$dir" --empty-blocks "$blocks" --transactions "$transactions" --prune --output json
