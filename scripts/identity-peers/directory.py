"""An identity system and the staff of a running district. Prints a line a check; exit 1 when one fails.

Usage: directory.py URL LISTENER API HANDLE,HANDLE    (scim-district.sh starts what it asks)
"""
import json, socket, sys, time
from browser import Browser

AULA, LISTENER, API = sys.argv[1:4]
HANDLES = [handle for handle in sys.argv[4].split(",") if handle]
USERS = "/identity/scim/v2/Users"
CORE, PATCH = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:api:messages:2.0:PatchOp"
failed = []


def check(name, holds, told=""):
    print(("ok    " if holds else "FAILS ") + name + ("" if holds else f": {str(told)[:400]}"), flush=True)
    if not holds:
        failed.append(name)


def again(ask):
    """A command of the district's service may have the vault for a moment: then a 503 says so."""
    for _ in range(100):
        page = ask()
        if page.status != 503:
            break
        time.sleep(0.2)
    return page


def login(user):
    """A browser of somebody, and what the login came to."""
    def once():
        browser = Browser(AULA, LISTENER)
        browser.jars["127.0.0.1"] = {"user": user}
        once.browser = browser
        return browser.get(f"{AULA}/identity/login/login")
    page = again(once)
    return once.browser, page


def me(browser):
    page = again(lambda: browser.own("GET", "/identity/me"))
    return (page.json()["reader"], page.json()["role"]) if page.status == 200 else page.status


def bearer(token, method, path, body=None):
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    return again(lambda: Browser(AULA, LISTENER).ask(method, AULA + path, json.dumps(body) if body else "", sent))


def program(browser, scopes):
    made = again(lambda: browser.own("POST", "/identity/tokens", {"name": "a program", "scopes": scopes, "days": 1}))
    return made.json().get("token") if made.status == 201 else None


def of_roster(credential):
    """How many students' records the access check knows this reader for: of nobody has a family agreed yet, and of others it names the roster."""
    known = 0
    for handle in HANDLES:
        page = again(lambda: Browser(AULA, LISTENER).ask("GET", f"http://{API}/v1/vault/{handle}?fields=grade", None, {"Aula-Credential": credential}))
        known += page.status == 200 or page.status == 403 and "roster" not in page.text
    return known


def user(name, role, active=True):
    return {"schemas": [CORE], "userName": f"{name}@east.example", "roles": [{"value": role}], "active": active}


def silent(count, more=""):
    """So many connections that announce a body and send none."""
    host, port = LISTENER.split(":")
    head = f"POST {USERS} HTTP/1.1\r\nHost: aula.test\r\nContent-Type: application/scim+json\r\nContent-Length: 1000\r\n{more}\r\n"
    lines = [socket.create_connection((host, int(port)), timeout=10) for _ in range(count)]
    for line in lines:
        line.sendall(head.encode())
    return lines


def told(lines, seconds):
    """What they are told, all within so many seconds."""
    until, answers = time.monotonic() + seconds, set()
    for line in lines:
        line.settimeout(max(0.01, until - time.monotonic()))
        try:
            answers.add(line.recv(12).decode())
        except OSError:
            answers.add("nothing in time")
    return answers


# Before anybody is on the directory the provider alone says who is staff.
head, page = login("head-1")
check("an admin logs in before the directory is filled", page.status == 200 and me(head) == ("head-1", "admin"), f"{page.status} {page.text}")
scim = program(head, ["scim"])
check("the admin makes the identity system's token", scim is not None)
if scim is None:
    sys.exit(1)

# The identity system fills it.
places = {}
for name, role in (("head-1", "head"), ("t-1042", "teacher"), ("t-2077", "teacher")):
    made = bearer(scim, "POST", USERS, user(name, role))
    check(f"{name} is made", made.status == 201, f"{made.status} {made.text}")
    places[name] = f"{USERS}/{made.json().get('id')}"
check("a second of one name is refused", bearer(scim, "POST", USERS, user("t-1042", "head")).status == 409)
listed = bearer(scim, "GET", USERS)
check("three are listed", listed.status == 200 and listed.json()["totalResults"] == 3, listed.text)
_, page = login("t-7")
check("whom it does not have is not let in", page.status == 403, f"{page.status} {page.text}")
check("the admin's session goes on", me(head) == ("head-1", "admin"))

# Who is on it works.
teacher, page = login("t-1042")
check("a teacher logs in", page.status == 200 and me(teacher) == ("t-1042", "teacher"), f"{page.status} {page.text}")
other, page = login("t-2077")
check("another teacher logs in", page.status == 200, f"{page.status} {page.text}")
given = again(lambda: teacher.own("POST", "/identity/credential"))
check("the session gives a credential", given.status == 200, given.text)
check("which the vault knows for one student of two", given.status == 200 and of_roster(given.json()["credential"]) == 1)
token = program(teacher, ["vault"])
check("a program has a token of hers", token is not None and bearer(token, "POST", "/identity/credential").status == 200)

# She is made inactive: nothing of hers opens anything from the answer on.
change = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
done = bearer(scim, "PATCH", places["t-1042"], change)
after = [me(teacher), again(lambda: teacher.own("POST", "/identity/credential")).status, bearer(token, "POST", "/identity/credential").status]
check("who is made inactive is told so", done.status == 200 and done.json()["active"] is False, f"{done.status} {done.text}")
check("and has no session and no token at once", after == [401, 401, 401], after)
check("and no login", login("t-1042")[1].status == 403)
check("the other teacher goes on", me(other) == ("t-2077", "teacher"), me(other))
back = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": True}]}
check("she comes back", bearer(scim, "PATCH", places["t-1042"], back).status == 200)
after = [me(teacher), bearer(token, "POST", "/identity/credential").status]
check("what ended stays so", after == [401, 401], after)
teacher, page = login("t-1042")
check("a new login opens", page.status == 200 and me(teacher) == ("t-1042", "teacher"), f"{page.status} {page.text}")

# A role follows; a user who is removed is gone.
head_now = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "roles", "value": [{"value": "head"}]}]}
check("another role is taken", bearer(scim, "PATCH", places["t-2077"], head_now).status == 200)
check("and is the session's at once", me(other) == ("t-2077", "admin"), me(other))
check("a user is removed", bearer(scim, "DELETE", places["t-2077"]).status == 204)
check("and has no session at once", me(other) == 401, me(other))
check("and is not found", bearer(scim, "GET", places["t-2077"]).status == 404)
check("the first goes on", me(teacher) == ("t-1042", "teacher"))

# More strangers than there are places keep their bodies back.
lines = silent(300)
listed = Browser(AULA, LISTENER).ask("GET", AULA + USERS, "", {"Authorization": f"Bearer {scim}"})
check("the identity system is answered meanwhile", listed.status == 200 and listed.json()["totalResults"] == 2, f"{listed.status} {listed.text}")
answers = told(lines, 5)
check("300 strangers are told to show a token", answers == {"HTTP/1.1 401"}, answers)
answers = told(silent(1, f"Authorization: Bearer {scim}\r\n"), 20)
check("a body with a token that does not come is given up", answers == {"HTTP/1.1 408"}, answers)
sys.exit(1 if failed else 0)
