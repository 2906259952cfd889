"""A learning platform made of lti1p3platform launches Aula, answers its services, and attacks it; PyLTI1p3 judges the same launches.

Usage: lti.py AULA LISTENER PORT [LTI13]    AULA: the address that browsers know; LISTENER: where it is; PORT: the platform's own
A line a check; exit 1 when one fails.
"""
import copy, html, json, os, re, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lti1p3platform.ltiplatform import LTI1P3PlatformConfAbstract
from lti1p3platform.membership import Context
from lti1p3platform.message_launch import LTIAdvantageMessageLaunchAbstract
from lti1p3platform.oidc_login import OIDCLoginAbstract
from lti1p3platform.registration import Registration
from lti1p3platform.request import Request
from lti1p3platform.response import generate_next_link
from lti1p3platform.score import UpdateScoreStatus
from lti1p3platform.service_connector import AssignmentsGradesService, NamesRoleProvisioningService
from pylti1p3.tool_config import ToolConfDict

from judge import judge

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "identity-peers"))
from browser import Browser

AULA, LISTENER, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
LTI13 = sys.argv[4] if len(sys.argv) > 4 else ""
HERE = f"http://127.0.0.1:{PORT}"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
failed = []


def check(name, holds, told=""):
    print(("ok    " if holds else "FAILS ") + name + ("" if holds else f": {str(told)[:400]}"), flush=True)
    if not holds:
        failed.append(name)


def keypair(bits=2048):
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


PRIVATE, PUBLIC = keypair()
OTHER_PRIVATE, _ = keypair()
REGISTRATION = (
    Registration().set_iss(HERE).set_client_id("aula-tool").set_deployment_id("1").set_launch_url(f"{AULA}/lti/launch")
    .set_deeplink_launch_url(f"{AULA}/lti/launch").set_oidc_login_url(f"{AULA}/lti/login").set_platform_public_key(PUBLIC)
    .set_platform_private_key(PRIVATE).set_tool_key_set_url(f"http://{LISTENER}/lti/jwks.json")
)


class Platform(LTI1P3PlatformConfAbstract):
    def init_platform_config(self, **kwargs):
        self._registration = REGISTRATION

    def get_registration_by_params(self, **kwargs):
        return REGISTRATION


class Asked(Request):
    def build_metadata(self, request):
        return request


class Login(OIDCLoginAbstract):
    def set_lti_message_hint(self, **kwargs):
        self._lti_message_hint = kwargs["hint"]

    def get_redirect(self, url):
        return url


class Launch(LTIAdvantageMessageLaunchAbstract):
    def render_launch_form(self, launch_data, **kwargs):
        return launch_data


MEMBERS = [{"user_id": f"u-{n}", "roles": [f"{MEMBERSHIP}Learner"], "lis_person_sourcedid": f"S-{n:04}"} for n in range(1, 6)]
MEMBERS[4]["status"] = "Inactive"
MEMBERS.append({"user_id": "u-x", "roles": [f"{MEMBERSHIP}Learner"], "lis_person_sourcedid": "S-9999"})
asked_pages, scores, score_errors = [], [], []


class Members(NamesRoleProvisioningService):
    def get_member_data_page(self, page=1, limit=2, role=None, since=None, **_):
        asked_pages.append(page)
        own = copy.deepcopy(MEMBERS[(page - 1) * limit: page * limit])
        return {"content": own, "has_next": page * limit < len(MEMBERS)}

    def get_context_by_id(self):
        return Context(id="course-1", label="5a", title="Fractions")


class Grades(AssignmentsGradesService):
    def update_score(self, line_item_id, score):
        scores.append((line_item_id, score))
        return UpdateScoreStatus.SUCCESS

    find_lineitems = find_lineitem = create_lineitem = update_lineitem = delete_lineitem = get_results = None


class Web(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def say(self, status, body, headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def metadata(self, form=None, body=None):
        query = {name: int(value) if value.isdecimal() else value for name, value in parse_qsl(urlsplit(self.path).query)}
        return Asked({"method": self.command, "form_data": form or {}, "get_data": query, "headers": self.headers,
                      "content_type": self.headers.get("Content-Type"), "path": self.path, "json": body})

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/jwks":
            return self.say(200, Platform().get_jwks())
        if path == "/recorded":
            keys = json.load(open(f"{LTI13}/test_deep_link.json"))["jwks"] if LTI13 else []
            return self.say(200, {"keys": keys})
        if path == "/members":
            service = Members(self.metadata(), Platform(), f"{HERE}/members")
            service.request.get_data.setdefault("limit", 2)
            answer = service.handle_resp(service.handle_get_members)
            page = service.request.get_data.get("page", 1)
            more = answer.result and answer.result.get("next")
            # The library makes the page; handing the next one out as a header is its frameworks' part.
            link = [("Link", generate_next_link(f"{HERE}/members?limit=2&page={page}"))] if more else []
            return self.say(answer.code, answer.result or {"message": answer.message}, link)
        self.say(404, {})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/token":
            try:
                return self.say(200, Platform().get_access_token(dict(parse_qsl(raw.decode()))))
            except Exception as error:
                return self.say(400, {"error": "invalid_client", "error_description": str(error)})
        line = re.fullmatch(r"/lines/([^/?]+)/scores\?type=quiz", self.path)
        if line:
            service = Grades(self.metadata(body=json.loads(raw)), Platform(), f"{HERE}/lines", f"{HERE}/lines/{line[1]}")
            answer = service.handle_resp(service.handle_update_score, line_item_id=line[1])
            if answer.code != 200:
                score_errors.append(answer.message)
            return self.say(answer.code, {})
        self.say(404, {})


web = ThreadingHTTPServer(("127.0.0.1", PORT), Web)
threading.Thread(target=web.serve_forever, daemon=True).start()


def begin(browser, user="u-1", message="link-1", more=""):
    """A login begun by the platform: what Aula asks the platform back, as a query."""
    login = Login(None, Platform())
    login.set_lti_message_hint(hint=message)
    page = browser.ask("GET", login.initiate_login(user) + more)
    asked = dict(parse_qsl(urlsplit(page.headers.get("Location") or "").query))
    return page, asked


def launch(asked, sourced="S-0001", role="Learner", user="u-1", deep=None, grades=True, link="link-1", claims=None):
    """The library's launch of what Aula asked for: the claims, before they are signed, and the signed form."""
    made = Launch(Asked({"method": "GET", "get_data": asked, "form_data": {}, "headers": {}, "content_type": None, "path": "/auth", "json": None}),
                  Platform())
    made.set_user_data(user, [MEMBERSHIP + role])
    made.set_resource_link_claim(link)
    made.set_extra_claims({f"{LTI}context": {"id": "course-1"}, **({f"{LTI}lis": {"person_sourcedid": sourced}} if sourced else {})})
    made.set_nrps(f"{HERE}/members")
    if grades:
        made.set_ags(f"{HERE}/lines", f"{HERE}/lines/{link}?type=quiz")
    if deep is not None:
        made.set_dl(f"{HERE}/deep", title="Choose", extra_data=deep)
    made.set_extra_claims(claims or {})
    return made.lti_launch()


def post(browser, form):
    return browser.ask("POST", f"{AULA}/lti/launch", {"state": form["state"], "id_token": form["id_token"]})


def whole(browser=None, **how):
    browser = browser or Browser(AULA, LISTENER)
    page, asked = begin(browser)
    return browser, asked, post(browser, launch(asked, **how))


# A login, as the platform begins it.
page, asked = begin(Browser(AULA, LISTENER))
check("login: a redirect to the platform with what OIDC wants", page.status == 302 and asked.get("redirect_uri") == f"{AULA}/lti/launch"
      and asked.get("scope") == "openid" and asked.get("response_type") == "id_token" and asked.get("response_mode") == "form_post"
      and asked.get("prompt") == "none" and asked.get("login_hint") == "u-1" and asked.get("lti_message_hint") == "link-1"
      and len(asked.get("state", "")) > 20 and len(asked.get("nonce", "")) > 20, f"{page.status} {asked}")
cookie = page.headers.get("Set-Cookie") or ""
check("login: the cookie is for this site's frame alone", all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=None", "Partitioned")), cookie)
for name, more in (("another issuer", {"iss": "https://stranger.example"}), ("another client", {"client_id": "x"}),
                   ("another deployment", {"lti_deployment_id": "2"}), ("a target elsewhere", {"target_link_uri": "https://evil.example/"})):
    url = Login(None, Platform())
    url.set_lti_message_hint(hint="link-1")
    parts = urlsplit(url.prepare_preflight_url("u-1"))
    form = {**dict(parse_qsl(parts.query)), **more}
    page = Browser(AULA, LISTENER).ask("POST", f"{AULA}/lti/login", form)
    check(f"login: {name} is refused (400)", page.status == 400, f"{page.status} {page.text}")

# A student: the own dashboard, progress to the platform's line.
browser, _, page = whole()
check("launch: a student sees the own dashboard", page.status == 200 and "/dashboard" in page.text or "<h1" in page.text and page.status == 200,
      f"{page.status} {page.text}")
policy = page.headers.get("Content-Security-Policy") or ""
check("launch: the page may be framed by platforms alone", f"frame-ancestors {HERE}" in policy or HERE in policy.partition("frame-ancestors")[2], policy)
sent = [score for line, score in scores if line == "link-1"]
check("AGS: the library took the score with its token and scope", len(sent) == 1 and not score_errors, f"{scores} {score_errors}")
if sent:
    own = sent[0]
    check("AGS: it is this user's, of one of two skills, with a moment", own["userId"] == "u-1" and own["scoreMaximum"] == 2 and own["scoreGiven"] in (0, 1)
          and own["gradingProgress"] == "FullyGraded" and re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", own["timestamp"]), own)
count = len(scores)
_, _, page = whole(grades=False)
check("AGS: without the claim nothing is sent, and the launch opens", page.status == 200 and len(scores) == count, page.text)

# A teacher: the own sections, compared with the course by NRPS.
browser, _, page = whole(sourced="t-1", role="Instructor", user="u-t")
bearer = re.search(r'data-bearer="([^"]+)"', page.text)
check("launch: a teacher gets a session", page.status == 200 and bearer, f"{page.status} {page.text}")
if bearer:
    me = browser.ask("GET", f"{AULA}/lti/me", None, {"Authorization": f"Bearer {html.unescape(bearer[1])}"})
    sections = {one["section"]: one for one in me.json().get("sections", [])} if me.status == 200 else {}
    check("NRPS: three pages were asked for, each once", asked_pages == [1, 2, 3], asked_pages)
    check("NRPS: four of five of the section are active in the course", len(sections.get("c-1", {}).get("students", [])) == 5
          and sections["c-1"]["in_course"] == 4, me.text)
    check("a teacher sees the own sections alone", set(sections) == {"c-1", "c-2"}, sections)
    check("a cookie opens nothing: the bearer does", browser.ask("GET", f"{AULA}/lti/me").status == 401)
for name, how in (("a student whom the roster does not know", {"sourced": "S-9999"}), ("nobody's identifier", {"sourced": None}),
                  ("a variable that the platform did not fill", {"sourced": "$Person.sourcedId"}), ("a teacher of nobody", {"sourced": "t-9", "role": "Instructor"}),
                  ("a student as a teacher", {"sourced": "S-0001", "role": "Instructor"}), ("an administrator", {"role": "Administrator"})):
    _, _, page = whole(**how)
    check(f"launch: {name} is refused (403)", page.status == 403, f"{page.status} {page.text}")

# Deep linking: the library verifies what comes back.
for name, data in (("text", "opaque & kept"), ("an object, as this library gives it", {"course": "course-1", "n": [1, 2]})):
    browser, _, page = whole(sourced="t-1", role="Instructor", deep=data)
    form = re.search(r'action="([^"]+)".*?name="JWT"\s+value="([^"]+)"', page.text, re.S)
    check(f"deep link ({name}): a form for the platform", page.status == 200 and form and html.unescape(form[1]) == f"{HERE}/deep", f"{page.status} {page.text}")
    if not form:
        continue
    platform = Platform()
    token = html.unescape(form[2])
    try:
        items = platform.validate_deeplinking_resp({"JWT": token})
    except Exception as error:
        items = [repr(error)]
    check("deep link: lti1p3platform takes it", len(items) == 1 and items[0].get("type") == "ltiResourceLink" and items[0]["url"] == f"{AULA}/lti/launch", items)
    claims = jwt.decode(token, options={"verify_signature": False})
    check("deep link: it is for this platform, deployment and choice", claims["iss"] == "aula-tool" and HERE in claims["aud"]
          and claims[f"{LTI}deployment_id"] == "1" and claims.get("https://purl.imsglobal.org/spec/lti-dl/claim/data") == data and claims["exp"] > time.time(), claims)
_, _, page = whole(deep="x")
check("deep link: a student is refused (403)", page.status == 403, page.text)
browser, asked, _ = Browser(AULA, LISTENER), None, None
page, asked = begin(browser)
made = launch(asked, sourced="t-1", role="Instructor", deep="x", claims={})
claims = jwt.decode(made["id_token"], options={"verify_signature": False})
KID = jwt.get_unverified_header(made["id_token"])["kid"]


def signed(claims, key=PRIVATE, algorithm="RS256", headers=None):
    return jwt.encode(claims, key, algorithm, headers={"kid": KID, **(headers or {})})


def part(value):
    return jwt.utils.base64url_encode(json.dumps(value).encode()).decode()


def by_hand(header, claims, signature=b""):
    """What the library's own encoder refuses to make."""
    return f"{part(header)}.{part(claims)}.{jwt.utils.base64url_encode(signature).decode()}"


def secret_of_public(claims):
    import hashlib, hmac
    head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': KID})}.{part(claims)}"
    return f"{head}.{jwt.utils.base64url_encode(hmac.new(PUBLIC.encode(), head.encode(), hashlib.sha256).digest()).decode()}"


def cut(token):
    return token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")


now = int(time.time())
JUDGE = ToolConfDict({HERE: [{"default": True, "client_id": "aula-tool", "auth_login_url": f"{HERE}/auth", "auth_token_url": f"{HERE}/token",
                              "key_set_url": None, "key_set": Platform().get_jwks(), "deployment_ids": ["1"]}]})
# Each: its name, what becomes of the claims, how it is signed, the status, what the refusal says, and whether PyLTI1p3 says no as well
# (None: it does not look at it).
keep = lambda claims: claims
variants = [
    ("as the library signs it", keep, signed, 200, "", False),
    ("signed by nobody (alg none)", keep, lambda c: by_hand({"alg": "none", "typ": "JWT", "kid": KID}, c), 401, "only RS256", True),
    ("signed with the public key as a secret (HS256)", keep, secret_of_public, 401, "only RS256", True),
    ("signed by another key under the same kid", keep, lambda c: signed(c, OTHER_PRIVATE), 401, "signature does not fit", True),
    ("of a key that is not published", keep, lambda c: signed(c, OTHER_PRIVATE, headers={"kid": "x"}), 401, "no key of that kid", True),
    ("with RS512", keep, lambda c: signed(c, algorithm="RS512"), 401, "only RS256", True),
    ("with a signature that was changed", keep, lambda c: cut(signed(c)), 401, "signature does not fit", True),
    ("with an extension that must be understood", keep, lambda c: signed(c, headers={"crit": ["exp"]}), 401, "extension", True),
    ("for another audience", lambda c: {**c, "aud": "another-tool", "azp": "another-tool"}, signed, 401, "aud", True),
    ("for two audiences", lambda c: {**c, "aud": ["aula-tool", "another-tool"]}, signed, 401, "aud", None),
    ("for another party (azp)", lambda c: {**c, "azp": "another-tool"}, signed, 401, "azp", None),
    ("of another issuer", lambda c: {**c, "iss": "https://stranger.example"}, signed, 401, "iss", True),
    ("of an unknown deployment", lambda c: {**c, f"{LTI}deployment_id": "2"}, signed, 401, "deployment_id", True),
    ("that is over", lambda c: {**c, "iat": now - 900, "exp": now - 600}, signed, 401, "exp", True),
    ("that never ends", lambda c: {k: v for k, v in c.items() if k != "exp"}, signed, 401, "exp", None),
    ("made an hour ago, good for a day", lambda c: {**c, "iat": now - 3600, "exp": now + 86400}, signed, 401, "iat", None),
    ("made tomorrow", lambda c: {**c, "iat": now + 86400, "exp": now + 90000}, signed, 401, "iat", True),
    ("good only later (nbf)", lambda c: {**c, "nbf": now + 600}, signed, 401, "nbf", True),
    ("of another nonce", lambda c: {**c, "nonce": "n" * 40}, signed, 401, "nonce", True),
    ("without a nonce", lambda c: {k: v for k, v in c.items() if k != "nonce"}, signed, 401, "nonce", True),
    ("of LTI 1.1", lambda c: {**c, f"{LTI}version": "LTI-1p1"}, signed, 401, "version", True),
    ("of an unknown message", lambda c: {**c, f"{LTI}message_type": "LtiEvilRequest"}, signed, 401, "message_type", True),
    ("without roles", lambda c: {k: v for k, v in c.items() if not k.endswith("/roles")}, signed, 401, "roles", True),
    ("of no link", lambda c: {k: v for k, v in c.items() if not k.endswith("/resource_link")}, signed, 401, "resource_link", True),
    ("to a page elsewhere", lambda c: {**c, f"{LTI}target_link_uri": "https://evil.example/"}, signed, 401, "target_link_uri", None),
    ("of a user with a name of 300 letters", lambda c: {**c, "sub": "u" * 300}, signed, 401, "sub", None),
    ("that is no token", keep, lambda c: "no.token", 401, "not a signed token", True),
]
for name, change, sign, status, says, peer_refuses in variants:
    browser = Browser(AULA, LISTENER)
    _, asked = begin(browser)
    made = launch(asked)
    token = sign(change(jwt.decode(made["id_token"], options={"verify_signature": False})))
    page = post(browser, {"state": made["state"], "id_token": token})
    check(f"launch {name}: {status}", page.status == status and says in html.unescape(page.text), f"{page.status} {page.text}")
    if peer_refuses is not None:
        verdict = judge(JUDGE, token, asked["nonce"])
        check(f"launch {name}: PyLTI1p3 {'refuses' if peer_refuses else 'takes'} it too", bool(verdict) == peer_refuses, verdict)

# Replays and other people's browsers.
browser, asked, page = whole()
form = launch(asked)
check("a form that was posted already is refused (400)", post(browser, form).status == 400)
_, again = begin(browser)
stale = {"state": again["state"], "id_token": form["id_token"]}
page = post(browser, stale)
check("a token under another login's state is refused: its nonce is not this login's (401)", page.status == 401 and "nonce" in page.text, page.text)
check("and that state is over as well (400)", post(browser, {**launch(again)}).status == 400)
mine, theirs = Browser(AULA, LISTENER), Browser(AULA, LISTENER)
_, asked = begin(mine)
page = post(theirs, launch(asked))
check("a launch in a browser that did not begin it is refused (401)", page.status == 401, f"{page.status} {page.text}")
check("a launch that nobody began is refused (400)", post(mine, {"state": "s" * 43, "id_token": form["id_token"]}).status == 400)
browser = Browser(AULA, LISTENER)
page, _ = begin(browser, more="&lti_storage_target=_parent")
check("with a platform's storage the login page asks it, and sets the cookie too", page.status == 200 and 'data-storage="_parent"' in page.text
      and f'data-origin="{HERE}"' in page.text, f"{page.status} {page.text}")

# A launch that another library's tests recorded, with its keys: signed well, of 2019.
if LTI13 and os.path.exists(f"{LTI13}/test_deep_link.json"):
    recorded = json.load(open(f"{LTI13}/test_deep_link.json"))["tokens"][0]["id_token"]
    browser = Browser(AULA, LISTENER)
    page = browser.ask("POST", f"{AULA}/lti/login", {"iss": "http://imsglobal.org", "client_id": "pytest12345", "login_hint": "u", "target_link_uri": f"{AULA}/lti/launch"})
    state = dict(parse_qsl(urlsplit(page.headers.get("Location") or "").query)).get("state", "")
    page = post(browser, {"state": state, "id_token": recorded})
    check("a recorded launch of 2019 with a good signature is refused for its age", page.status == 401 and "exp is over" in page.text, f"{page.status} {page.text}")
print(f"lti: {len(failed)} checks failed" if failed else "lti: all checks hold")
sys.exit(1 if failed else 0)
