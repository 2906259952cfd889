#!/usr/bin/env bash
# Usage: scripts/lrs-conformance.sh SUITE [OUT]
# Runs the public xAPI conformance suite (adlnet/lrs-conformance-test-suite, MIT) for 1.0.3 and 2.0 against the record
# store of node/lrs on loopback. SUITE is a clone of it with its packages: `npm install --ignore-scripts` in it (its
# lockfile is older than its package.json, so that `npm ci` refuses). Not part of the gate. Logs go to OUT, or a
# temporary folder. Exit 0 when both runs pass at least 95%.
set -euo pipefail
suite=${1:?usage: scripts/lrs-conformance.sh SUITE [OUT]}
[ -f "$suite/bin/console_runner.js" ] && [ -d "$suite/node_modules" ] ||
  { echo "$suite is no clone of the suite with its packages: npm install --ignore-scripts in it" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
out=${2:-$(mktemp -d)}
mkdir -p "$out"
cd "$root"
cargo build --quiet --release -p aula-lrs --example serve
server=${CARGO_TARGET_DIR:-target}/release/examples/serve
secret=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true' EXIT
failed=0
for version in 1.0.3 2.0.0; do
  port=$((20000 + RANDOM % 20000))
  "$server" "$port" "$out/records-$version" suite "$version" <<<"$secret" >"$out/server-$version.log" 2>&1 &
  pid=$!
  for _ in $(seq 100); do curl -fs "http://127.0.0.1:$port/xapi/about" >/dev/null && break; sleep 0.1; done
  (cd "$suite" && node bin/console_runner.js -e "http://127.0.0.1:$port/xapi" -a -u suite -p "$secret" -x "$version" -z) \
    >"$out/suite-$version.log" 2>&1 || true
  kill "$pid"; wait "$pid" 2>/dev/null || true; pid=
  node -e '
    const text = require("fs").readFileSync(process.argv[1], "utf8");
    const found = [...text.matchAll(/^\{.*"total".*\}$/gm)].pop();
    if (!found) { console.log(process.argv[2] + ": no summary"); process.exit(1); }
    const { total, passed, failed } = JSON.parse(found[0]);
    console.log(`${process.argv[2]}: ${passed} of ${total} passed, ${failed} failed`);
    process.exit(total > 0 && passed >= 0.95 * total ? 0 : 1);
  ' "$out/suite-$version.log" "$version" || failed=1
done
echo "logs: $out"
exit "$failed"
