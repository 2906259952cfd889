#!/usr/bin/env python3
"""Shows what each of two districts issued at every listener of both (tenants.sh starts them). Prints a line a listener; exit 1 when something opens
that should not, or does not that should.

Usage: shown.py EAST.json WEST.json
"""
import base64, http.client, itertools, json, secrets, socket, subprocess, sys, time
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parent.parent / "identity-peers"))
from browser import Browser

failed = []
# Each try comes from an address of its own: listeners that count strangers by address wait less.
addresses = (f"127.{a}.{b}.{c}" for a, b, c in itertools.product(range(1, 250), range(1, 250), range(1, 250)))


def check(name, holds, told=""):
    print(("ok    " if holds else "FAILS ") + name + ("" if holds else f": {str(told)[:600]}"), flush=True)
    if not holds:
        failed.append(name)


def ask(port, method, path, headers=None, body=None, host=None):
    """Status and body; asked again while a command has the vault, and where strangers are to wait: a try is one that was judged."""
    for _ in range(200):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(next(addresses), 0))
        line.request(method, path, body, {"Host": host or f"127.0.0.1:{port}", **(headers or {})})
        answer = line.getresponse()
        status, text = answer.status, answer.read().decode(errors="replace")
        line.close()
        if status not in (429, 503):
            break
        time.sleep(0.3)
    return status, text


class Tenant:
    def __init__(self, path):
        vars(self).update(json.load(open(path)))
        self.ports = {name: self.port + 2 + n for n, name in enumerate(["api", "-", "identity", "oneroster", "replica", "lti", "pair", "-", "frames", "xapi", "caliper", "mqtt"])}
        self.host = f"{self.name}.test"
        self.issued = dict(self.secrets) | {"credential": self.credential}
        self.head, self.teacher = self.login("head-1"), self.login("t-1042")
        for name, browser, scopes in (("token", self.teacher, ["me", "vault"]), ("scim", self.head, ["scim"])):
            made = browser.own("POST", "/identity/tokens", {"name": "a program", "scopes": scopes, "days": 1})
            self.issued[name] = made.json()["token"]
        self.issued["session credential"] = self.teacher.own("POST", "/identity/credential").json()["credential"]
        self.issued["session"] = next(iter(self.teacher.jars[self.host].values()))
        self.cookie = next(iter(self.teacher.jars[self.host]))
        status, text = ask(self.ports["oneroster"], "POST", "/oauth2/token", {**basic(self.secrets["oneroster"]), **FORM}, "grant_type=client_credentials")
        self.issued["oneroster token"] = json.loads(text)["access_token"] if status == 200 else sys.exit(f"no token: {status} {text}")

    def login(self, user):
        for _ in range(60):
            browser = Browser(self.url, f"127.0.0.1:{self.ports['identity']}")
            browser.jars["127.0.0.1"] = {"user": user}
            page = browser.get(f"{self.url}/identity/login/login")
            if page.status == 200:
                return browser
            time.sleep(0.3)
        sys.exit(f"{user} cannot log in: {page.status} {page.text}")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def basic(secret):
    return {"Authorization": "Basic " + base64.b64encode(b"alike:" + secret.encode()).decode()}


def bearer(secret):
    return {"Authorization": "Bearer " + secret}


def header(secret):
    return {"Aula-Credential": secret}


def family(secret):
    return {"Aula-Family": secret}


def mqtt(port, secret):
    """The broker's word for who connects: 0 is welcome."""
    text = lambda value: len(value).to_bytes(2, "big") + value
    rest = text(b"MQTT") + bytes([4, 0xC2]) + (30).to_bytes(2, "big") + text(b"a-client") + text(b"alike") + text(secret.encode())
    length, size = b"", len(rest)
    while True:
        size, low = divmod(size, 128)
        length += bytes([low | (128 if size else 0)])
        if not size:
            break
    with socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(next(addresses), 0)) as line:
        line.sendall(b"\x10" + length + rest)
        try:
            answer = line.recv(4)
        except OSError:
            answer = b""
    return ("welcome" if answer[:1] == b"\x20" and answer[3:4] == b"\x00" else "refused"), ""


def pair(port, secret):
    """What the other of a pair says to a ping with this secret: that it is there, or that it does not know it."""
    question = b"\x00" + len(secret).to_bytes(4, "little") + secret.encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(len(question).to_bytes(4, "little") + question)
        size = int.from_bytes(line.recv(4), "little")
        answer = line.recv(size) if size else b""
    return ("here" if answer[:1] == b"\x00" else "refused"), ""


XAPI = {"X-Experience-API-Version": "1.0.3"}
SCIM = "/identity/scim/v2/Users"


def doors(of):
    """Every listener's doors: name, what opens it at home, and how a secret is shown there."""
    ports = of.ports
    http_door = lambda name, method, path, body=None, more=None: lambda how, secret: ask(
        ports[name], method, path, {**(more or {}), **how(secret)}, body, of.host if name in ("identity", "lti") else None)
    cookie = lambda secret: {"Cookie": f"{of.cookie}={secret}", "Origin": of.url, "Aula-Request": "1"}
    return [
        ("frames", "frames", [basic, bearer], http_door("frames", "POST", "/events?dry_run=1", "", {"Content-Type": "application/x-ndjson"})),
        ("xAPI", "xapi", [basic, bearer], http_door("xapi", "GET", "/xapi/statements", None, XAPI)),
        ("Caliper", "caliper", [basic, bearer], http_door("caliper", "POST", "/caliper", "{}", {"Content-Type": "application/json"})),
        ("MQTT", "mqtt", [None], lambda _, secret: mqtt(ports["mqtt"], secret)),
        ("OneRoster's tokens", "oneroster", [basic], http_door("oneroster", "POST", "/oauth2/token", "grant_type=client_credentials", FORM)),
        ("OneRoster's rows", "oneroster token", [bearer, basic], http_door("oneroster", "GET", "/ims/oneroster/rostering/v1p2/orgs")),
        ("replicas", "replica", [basic, bearer], http_door("replica", "POST", "/replica/v1/hello", "")),
        ("the other of a pair", "pair", [None], lambda _, secret: pair(ports["pair"], secret)),
        ("who is logged in, by a program", "token", [bearer, basic], http_door("identity", "GET", "/identity/me")),
        ("who is logged in, by a browser", "session", [cookie], http_door("identity", "GET", "/identity/me")),
        ("a session's credential", "session", [cookie], http_door("identity", "POST", "/identity/credential")),
        ("sessions", "session", [cookie], http_door("identity", "GET", "/identity/sessions")),
        ("tokens", "session", [cookie], http_door("identity", "GET", "/identity/tokens")),
        ("the directory's list", "scim", [bearer, basic, cookie], http_door("identity", "GET", SCIM)),
        ("a user of the directory", "scim", [bearer, basic, cookie], http_door("identity", "GET", SCIM + "/nobody")),
        ("the vault", "credential", [header, bearer, family], http_door("api", "GET", f"/v1/vault/{of.handle}?fields=grade")),
        ("a section", "credential", [header, bearer, family], http_door("api", "GET", "/v1/classrooms/4-b/heatmap")),
    ]


east, west = Tenant(sys.argv[1]), Tenant(sys.argv[2])
tries = 0
for own, other in ((east, west), (west, east)):
    for name, key, manners, door in doors(own):
        wrong, opens = [], 0
        for how in manners:
            # What a word that nobody issued is told.
            nobody = door(how, secrets.token_hex(24))[0]
            for kind, secret in other.issued.items():
                status, text = door(how, secret)
                tries += 1
                if status not in (nobody, 401, 403, "refused") or status in (200, "welcome", "here") or own.handle in text:
                    wrong.append((kind, how.__name__ if how else "", status, nobody, text[:80]))
            status = door(how, own.issued[key])[0]
            opens += status not in (nobody, 401, "refused")
        check(f"{own.name}, {name}: of {other.name}'s {len(other.issued)} secrets none opens it", not wrong, wrong)
        check(f"{own.name}, {name}: its own does", opens >= 1, (key, status))


def logout(issuer, audience, signer):
    """A notice that t-1042's logins are over, signed with this tenant's provider's key."""
    b64 = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    now = int(time.time())
    claims = {"iss": issuer, "aud": audience, "iat": now, "exp": now + 120, "jti": secrets.token_hex(8), "sub": "id-of-t-1042",
              "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
    said = b64(json.dumps({"alg": "RS256", "typ": "logout+jwt", "kid": "one"}).encode()) + "." + b64(json.dumps(claims).encode())
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", signer.key], input=said.encode(), capture_output=True, check=True)
    return f"{said}.{b64(done.stdout)}"


issuer = lambda of: f"http://127.0.0.1:{of.port + 15}"
for own, other in ((east, west), (west, east)):
    notice = lambda token: ask(own.ports["identity"], "POST", "/identity/oidc/login/logout", FORM, urlencode({"logout_token": token}), own.host)[0]
    logged_in = lambda: own.teacher.own("GET", "/identity/me").status == 200
    refused = [notice(logout(issuer(other), "aula", other)), notice(logout(issuer(own), "aula", other))]
    check(f"{own.name}: no notice of the other's provider ends a login", all(status >= 400 for status in refused) and logged_in(), refused)
    ended = notice(logout(issuer(own), "aula", own))
    check(f"{own.name}: one of its own provider does", ended == 200 and not logged_in(), ended)
    begin = lambda of: ask(own.ports["lti"], "GET", "/lti/login?" + urlencode({
        "iss": f"https://{of.name}.platform.test", "client_id": f"{of.name}-client", "login_hint": "x", "target_link_uri": f"{own.url}/lti/launch"}), host=own.host)[0]
    check(f"{own.name}: a launch of the other's platform is not begun, of its own it is", begin(other) >= 400 and begin(own) in (200, 302, 303), (begin(other), begin(own)))
print(f"{tries} times something of the one was shown at a listener of the other")
sys.exit(1 if failed else 0)
