#!/usr/bin/env bash
# A newcomer to a long chain: by a snapshot with one lying peer of three, and by every block (`snapshot_s`, `blocks_s`). Then the
# three prune under load (`pruning`): the share of the freed bytes that is back on the disk a minute after the order, transactions a
# second before, while and after, and their ratios. Then, of a chain of its own, what a block costs the disk (`growth`): idle, and with
# as many transactions as the demo's blocks hold (`busy`), `bytes_a_block` as an archive keeps it and `bytes_a_block_pruned` as pruning leaves it
# for good, and both a day at a block a second. Prints one line of JSON; ends with 1 where the snapshot takes more than 60 s, the rate while pruning or after is
# under 0.85 of the one before, or under 0.9 of what was told as freed is back after a minute (`missed` names them). Everything runs on
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

"$aula" bench join --dir "$dir" --empty-blocks "$blocks" --transactions "$transactions" --prune --growth --output json
