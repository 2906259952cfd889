"""scim2-tester against a directory of staff: every check, and no error among them that is not known. Usage: scim.py URL TOKEN"""

import sys
from importlib.metadata import version

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

# What docs/identity.md says is not here.
KNOWN = [
    ("search_with_attributes", "there is no such resource"),
    ("check_remove_attribute", "active is replaced, never removed"),
    ("check_remove_attribute", "remove needs the path of an attribute"),
]
url, token = sys.argv[1:]
client = SyncSCIMClient(Client(base_url=url, headers={"Authorization": f"Bearer {token}"}))
results = check_server(client)
counts, wrong = {}, 0
for result in results:
    is_known = any(result.title == title and why in (result.reason or "") for title, why in KNOWN)
    wrong += result.status in (Status.ERROR, Status.CRITICAL) and not is_known
    counts[result.status.name] = counts.get(result.status.name, 0) + 1
    if result.status in (Status.ERROR, Status.CRITICAL, Status.DEVIATION):
        print(result.status.name, result.title, result.resource_type, result.reason)
print(f"scim2-tester {version('scim2-tester')}: {len(results)} checks, {counts}")
sys.exit(1 if wrong or len(results) < 20 else 0)
