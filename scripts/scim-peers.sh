#!/usr/bin/env bash
# The directory of staff (docs/identity.md) judged by clients that others wrote: PyPI scim2-tester, which checks a server against RFC 7643
# and 7644 by what the server says of itself. Installed in a folder of its own, which is kept where PEERS names one.
# Usage: scim-peers.sh    (Debian: python3-venv; a minute beside the build of one crate's tests)
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
peers=${PEERS:-$work/peers}
served=
end() {
  rm -f "$work/where"
  [ -z "$served" ] || wait "$served" || true
  rm -rf "$work"
}
trap end EXIT
if [ ! -d "$peers/scim" ]; then
  python3 -m venv "$peers/scim"
  "$peers/scim/bin/pip" -q install 'scim2-tester==0.5.2' 'scim2-client[httpx2]'
fi
export AULA_SCIM=$work/where
# TESTS: that crate's tests, where they are built already.
${TESTS:-cargo test --release --locked -p aula-identity --lib --} --ignored --exact http::tests::scim::serves_a_directory_for_a_peer \
  >"$work/served.log" 2>&1 &
served=$!
until [ -s "$AULA_SCIM" ]; do
  kill -0 "$served" 2>/dev/null || { cat "$work/served.log"; exit 1; }
  sleep 0.2
done
read -r url token <"$AULA_SCIM"
"$peers/scim/bin/python" scripts/identity-peers/scim.py "$url" "$token"
