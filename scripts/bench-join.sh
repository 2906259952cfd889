#!/usr/bin/env bash
# A newcomer to a long chain: by a snapshot with one lying peer of three, and by every block; and what an idle block costs
# on disk before and after pruning. Prints one line of JSON each. Everything runs on this machine: compare ratios.
#   ./scripts/bench-join.sh                   20,000 blocks and more, about 1 GB
#   BLOCKS=2000 TRANSACTIONS=20000 ./scripts/bench-join.sh
# AULA (target/release/aula) and DIR (a temporary folder) may be set; a DIR that holds a past is used again.
set -euo pipefail
aula=${AULA:-target/release/aula}
blocks=${BLOCKS:-20000} transactions=${TRANSACTIONS:-600000}
dir=${DIR:-$(mktemp -d)}
[ -n "${DIR:-}" ] || trap 'rm -rf "$dir"' EXIT

"$aula" bench join --dir "$dir" --empty-blocks "$blocks" --transactions "$transactions" --output json

# The first node's chain, pruned to its newest 1,000 blocks.
"$aula" prune --home "$dir/node-01" --keep 1000 --output json
