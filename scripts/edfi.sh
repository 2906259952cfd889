#!/usr/bin/env bash
# Points edfi_api_client (PyPI), and our own consumer, at the ODS API of the tests, to show that it speaks as one does.
# Usage: scripts/edfi.sh PYTHON    PYTHON has edfi_api_client: python -m venv X && X/bin/pip install edfi_api_client
set -euo pipefail
python=${1:?give a Python that has edfi_api_client}
address=127.0.0.1:${AULA_EDFI_PORT:-18490}
cd "$(dirname "$0")/.."
AULA_EDFI_STUB=$address AULA_EDFI_STUB_S=60 cargo test --release -p aula-rosters --lib serve_the_stub -- --ignored --nocapture &
serving=$!
trap 'kill $serving 2>/dev/null || true' EXIT
for _ in $(seq 600); do
  curl -fs "http://$address/api/" >/dev/null && break
  sleep 1
done
"$python" - "http://$address/api" <<'PY'
import sys
from edfi_api_client import EdFiClient
url = sys.argv[1]
client = EdFiClient(url, client_key="key", client_secret="secret")
client.connect()
newest = client.get_newest_change_version()
students = list(client.resource("students").get_rows(page_size=500))
enrolments = client.resource("studentSchoolAssociations")
windowed = list(client.resource("students", min_change_version=1000, max_change_version=newest).get_rows(page_size=100))
deleted = list(client.resource("students", get_deletes=True).get_rows(page_size=500))
moved = list(client.resource("studentSchoolAssociations", get_key_changes=True).get_rows(page_size=500))
told = (client.get_ods_version(), len(students), enrolments.get_total_count(), len(deleted), len(moved))
assert told == ("7.3", 1202, 1203, 1, 1), told
assert 0 < len(windowed) < 1202 and len({row["id"] for row in students}) == 1202
assert deleted[0]["keyValues"] == {"studentUniqueId": "000007"} and moved[0]["newKeyValues"]["entryDate"] == "2026-08-21"
snapshot = EdFiClient(url, client_key="key", client_secret="secret")
snapshot.connect(use_snapshot=True)
assert len(list(snapshot.resource("students").get_rows())) == 3
try:
    EdFiClient(url, client_key="key", client_secret="wrong").connect()
    raise SystemExit("a wrong secret was taken")
except Exception as refused:
    assert "401" in str(refused), refused
print("edfi_api_client:", told, "windowed", len(windowed))
PY
