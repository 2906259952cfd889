"""scim2-tester against a directory of staff: every check, and no error among them. Usage: scim.py URL TOKEN"""

import sys
from importlib.metadata import version

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

url, token = sys.argv[1:]
client = SyncSCIMClient(Client(base_url=url, headers={"Authorization": f"Bearer {token}"}))
results = check_server(client)
counts = {}
for result in results:
    counts[result.status.name] = counts.get(result.status.name, 0) + 1
    if result.status in (Status.ERROR, Status.CRITICAL, Status.DEVIATION):
        print(result.status.name, result.title, result.resource_type, result.reason)
print(f"scim2-tester {version('scim2-tester')}: {len(results)} checks, {counts}")
wrong = counts.get("ERROR", 0) + counts.get("CRITICAL", 0)
sys.exit(1 if wrong or len(results) < 20 else 0)
