#!/usr/bin/env bash
# Badges that aula issues, judged offline by the npm packages of Digital Bazaar: good, changed, suspended, good again, revoked. Each list must
# say exactly that, and none that was changed or withheld says anything.
# Usage: badge-peers.sh    (AULA names the program; node 20 or newer)
set -euo pipefail
cd "$(dirname "$0")/.."
aula=$(realpath "${AULA:-target/release/aula}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd scripts/badge-peers && npm ci --silent --ignore-scripts)
cat > "$work/request.json" <<'JSON'
{"issuer":{"id":"did:web:district.example","name":"A district","url":"https://district.example/"},"status_lists":"https://district.example/status",
 "subject":"did:example:learner","valid_until":"2099-01-01","achievement":{"id":"https://district.example/achievements/grade-3","name":"Grade 3",
 "description":"Completed grade 3","criteria":"Both tests at its end","type":"Course"}}
JSON
evidence=ledger/vectors/evidence
"$aula" badge issue "$work/request.json" --evidence "$evidence/milestone.bundle" --genesis "$evidence/genesis.json" --home "$work" -o "$work/badge.json" > /dev/null
check() { node scripts/badge-peers/check.mjs "$work" "$1"; }
check good
# A judge that would say the same of anything judges nothing.
if check revoked > "$work/wrong" 2>&1 || ! grep -q '^FAIL its lists say that it is revoked' "$work/wrong"; then echo "FAIL the judge takes a good badge for a revoked one"; exit 1; fi
"$aula" badge revoke "$work/badge.json" --suspend --home "$work" > /dev/null
check suspended
"$aula" badge revoke "$work/badge.json" --lift --home "$work" > /dev/null
check good
"$aula" badge revoke "$work/badge.json" --home "$work" > /dev/null
check revoked
