#!/usr/bin/env python3
"""Fires every alert on a running Prometheus: a node that is ill in all ways at once is scraped, and the alerts are asked for.

Waiting times ("for") are made short; nothing else of the rules is changed. A well node is scraped beside it and must fire
none. Needs the program prometheus (Debian's package); loopback only; a minute.
"""
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
DAY = 86_400
BEGUN = time.time()


def well(now):
    return {
        "aula_height": 1_000 + now - BEGUN, "aula_tip_timestamp_seconds": now, "aula_validators_connected": 3, "aula_validators": 4,
        "aula_validator": 1, "aula_signing": 1, "aula_state_damaged": 0, "aula_clock_ahead_seconds": 0,
        "aula_disk_free_bytes": 1e11, "aula_vault_rotation_due_seconds": 60 * DAY,
        "aula_tls_expiry_timestamp_seconds": now + 60 * DAY, "aula_overdue_acknowledgements": 0,
        'aula_district_duty_failing{home="/srv/lake",duty="log"}': 0, 'aula_district_duty_next_timestamp_seconds{home="/srv/lake",duty="log"}': now + 60,
        'aula_pair_acting{tenant="lake"}': 1, 'aula_pair_alone{tenant="lake"}': 0, "aula_feeds_stopped": 0, "aula_feeds_lag_seconds": 1,
        "aula_equivocations_total": 0, 'aula_http_requests_total{status="200"}': 100 * (now - BEGUN),
        'aula_http_requests_total{status="503"}': 0, 'aula_vault_bytes{tenant="lake"}': 8e9, 'aula_vault_quota_bytes{tenant="lake"}': 1e10,
    }


def ill(now):
    return {
        "aula_height": 10, "aula_tip_timestamp_seconds": BEGUN - 3_600, "aula_validators_connected": 0, "aula_validators": 4,
        "aula_validator": 1, "aula_signing": 0, "aula_state_damaged": 1, "aula_clock_ahead_seconds": 2,
        "aula_disk_free_bytes": max(0, 4e8 - 1e6 * (now - BEGUN)), "aula_vault_rotation_due_seconds": -3 * DAY,
        "aula_tls_expiry_timestamp_seconds": now + DAY, "aula_overdue_acknowledgements": 2,
        'aula_district_duty_failing{home="/srv/lake",duty="log"}': 1, 'aula_district_duty_next_timestamp_seconds{home="/srv/lake",duty="log"}': BEGUN - 3_600,
        'aula_pair_acting{tenant="lake"}': 1, 'aula_pair_alone{tenant="lake"}': 1, "aula_feeds_stopped": 1, "aula_feeds_lag_seconds": 60,
        "aula_equivocations_total": int((now - BEGUN) / 5), 'aula_http_requests_total{status="200"}': now - BEGUN,
        'aula_http_requests_total{status="503"}': now - BEGUN, 'aula_vault_bytes{tenant="lake"}': 9.5e9, 'aula_vault_quota_bytes{tenant="lake"}': 1e10,
    }


def passive(_):
    """One of another district's pair, of which nobody acts."""
    return {'aula_pair_acting{tenant="hill"}': 0}


def serve(figures):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = "".join(f"{name} {value}\n" for name, value in figures(time.time()).items()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"


def main():
    rules = (HERE / "alerts.yml").read_text()
    wanted = set(re.findall(r"- alert: (\w+)", rules))
    well_at, ill_at, passive_at = serve(well), serve(ill), serve(passive)
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "rules.yml").write_text(re.sub(r"for: \w+", "for: 2s", rules))
        (place / "prometheus.yml").write_text(
            f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{place}/rules.yml]\nscrape_configs:\n"
            f"  - {{job_name: aula, static_configs: [{{targets: ['{ill_at}', '{well_at}', '{passive_at}', '127.0.0.1:9']}}]}}\n")
        listen = "127.0.0.1:19490"
        with subprocess.Popen(
            ["prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/data",
             f"--web.listen-address={listen}", "--log.level=error"]) as prometheus:
            try:
                fired = set()
                for _ in range(90):
                    time.sleep(1)
                    try:
                        with urllib.request.urlopen(f"http://{listen}/api/v1/alerts") as answer:
                            alerts = json.load(answer)["data"]["alerts"]
                    except OSError:
                        continue
                    wrong = [a for a in alerts if a["labels"].get("instance") == well_at]
                    if wrong:
                        sys.exit(f"the well node is warned of: {wrong}")
                    fired = {a["labels"]["alertname"] for a in alerts if a["state"] == "firing"}
                    if fired == wanted:
                        break
            finally:
                prometheus.terminate()
    if fired != wanted:
        sys.exit(f"did not fire: {sorted(wanted - fired)}")
    print(f"{len(fired)} of {len(wanted)} alerts fired, none for the well node")


if __name__ == "__main__":
    main()
