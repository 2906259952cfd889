#!/usr/bin/env bash
# Usage: scripts/lrs-conformance.sh SUITE [OUT]
# Runs the public xAPI conformance suite (adlnet/lrs-conformance-test-suite, MIT) for 1.0.3 and 2.0 against a running node's
# feed of kind xapi: one validator on loopback, its vault, both versions one after the other without a restart. SUITE is a
# clone of it with its packages: `npm install --ignore-scripts` in it (it has no lockfile, so that `npm ci` refuses). Not part
# of the gate. Logs go to OUT, or a temporary folder. AULA names another program than the one built here. Exit 0 when both runs
# pass at least 95%.
set -euo pipefail
suite=${1:?usage: scripts/lrs-conformance.sh SUITE [OUT]}
[ -f "$suite/bin/console_runner.js" ] && [ -d "$suite/node_modules" ] ||
  { echo "$suite is not a clone of the suite with its packages: npm install --ignore-scripts in it" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
out=${2:-$(mktemp -d)}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$root"
aula=${AULA:-${CARGO_TARGET_DIR:-target}/release/aula}
[ -n "${AULA:-}" ] || cargo build --quiet --release --workspace
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true' EXIT

# A chain of one validator; the node is started again with its feed.
rm -rf "$out/net"
"$aula" localnet --validators 1 --home "$out/net" --output json >"$out/localnet.json" 2>"$out/localnet.log" &
pid=$!
for _ in $(seq 200); do grep -q ready "$out/localnet.json" && break; sleep 0.1; done
kill -INT "$pid"; wait "$pid" || true; pid=
home=$out/net/node-01
"$aula" vault init --home "$home" >>"$out/localnet.log" 2>&1
secret=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
port=$((20000 + RANDOM % 20000))
(umask 077; cat >"$home/clients.toml" <<TOML
[[client]]
name = "suite"
secret_sha256 = "$(printf %s "$secret" | sha256sum | cut -d' ' -f1)"
scopes = ["all"]
TOML
)
cat >>"$home/config.toml" <<TOML

[[feed]]
name = "suite"
kind = "xapi"
listen = "127.0.0.1:$port"
home_page = "https://sis.example.org"
clients = "$home/clients.toml"
TOML
"$aula" start --home "$home" >"$out/node.log" 2>&1 &
pid=$!
for _ in $(seq 300); do curl -fs "http://127.0.0.1:$port/xapi/about" >/dev/null && break; sleep 0.1; done

failed=0
for version in 1.0.3 2.0.0; do
  (cd "$suite" && node bin/console_runner.js -e "http://127.0.0.1:$port/xapi" -a -u suite -p "$secret" -x "$version" -z) \
    >"$out/suite-$version.log" 2>&1 || true
  node -e '
    const text = require("fs").readFileSync(process.argv[1], "utf8");
    const found = [...text.matchAll(/^\{.*"total".*\}$/gm)].pop();
    if (!found) { console.log(process.argv[2] + ": no summary"); process.exit(1); }
    const { total, passed, failed } = JSON.parse(found[0]);
    console.log(`${process.argv[2]}: ${passed} of ${total} passed, ${failed} failed`);
    process.exit(total > 0 && passed >= 0.95 * total ? 0 : 1);
  ' "$out/suite-$version.log" "$version" || failed=1
done
kill "$pid"; wait "$pid" 2>/dev/null || true; pid=
echo "logs: $out"
exit "$failed"
