#!/usr/bin/env bash
# Two builds of the program, an older one and the present one: a consortium goes from one to the other under load, and homes that the older
# one made are opened by the present one. Needs python3 and, for the homes, the demo's data (genesis/).
#   ./scripts/upgrade.sh OLD/aula NEW/aula                 all of it; one line of JSON on stdout, the story on stderr
#   ./scripts/upgrade.sh OLD NEW --only homes              one of: left-behind, rolled, homes, records (several with commas)
#   ./scripts/upgrade.sh OLD NEW --allow-same              OLD may know the newest protocol too: tries the script, not an upgrade
#   ./scripts/upgrade.sh --build-old COMMIT                builds OLD in a worktree below the target folder, and prints where it lies
# `aula-audit` is taken from beside each. --seed N (1), --phase-s S (8: how long each mixture of programs runs), --ahead-s S (30: from the
# vote to the switch, about), --validators N (4: of the demo; fewer on a machine that is busy) and --keep (the folder of homes and logs stays) may be given.
# left-behind: four nodes of OLD, replaced by NEW one after another but for the last, while clients send; members vote for the next protocol;
# that node must stop before the height with its sentence and exit code 3, be replaced, and come level. rolled: all are replaced before.
# In both nothing acknowledged may be lost, all roots must be equal, and every chain must replay. homes: what the demo of OLD left is
# started, replayed, audited, shown and restored by NEW. records: so is a district's home with a roster, live feeds, a record store and a lake.
# Exit 0 everything holds, 1 a check fails, 2 could not be run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stop() { printf 'stopped: %s\n' "$1" >&2; exit 2; }

# Builds an earlier commit beside the present one, and says where its programs are.
build_old() {
  cd "$here/.."
  local commit target base tree
  commit=$(git rev-parse --verify --quiet "$1^{commit}") || stop "$1 is not a commit of this repository"
  target=${CARGO_TARGET_DIR:-$PWD/target}
  mkdir -p "$target/upgrade"
  base=$(cd "$target/upgrade" && pwd)
  tree=$base/source-${commit:0:8}
  [ -e "$tree/.git" ] || git worktree add --force --detach "$tree" "$commit" >&2
  # One folder for all earlier commits: libraries that did not change are not compiled again.
  (cd "$tree" && CARGO_TARGET_DIR="$base/build" cargo build --release --locked --package aula-node --package aula-audit) >&2 ||
    stop "the commit does not build; its sources stand in $tree"
  mkdir -p "$base/${commit:0:8}"
  cp "$base/build/release/aula" "$base/build/release/aula-audit" "$base/${commit:0:8}/"
  git worktree remove --force "$tree" >&2
  printf '%s\n' "$base/${commit:0:8}/aula"
}

case ${1:-} in
  --build-old) [ $# = 2 ] || stop "--build-old takes one commit"; build_old "$2" ;;
  '' | -h | --help) sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'; [ -n "${1:-}" ] || exit 2 ;;
  *) exec python3 -B "$here/upgrade/main.py" "$@" ;;
esac
