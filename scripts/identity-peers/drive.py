"""Logs in at Aula with real providers, and does to it what they and attackers do. Prints a line a check; exit 1 when one fails.

Usage: drive.py WHERE.json    (identity-peers.sh writes it)
"""
import base64, json, os, subprocess, sys, time
from browser import Browser

W = json.load(open(sys.argv[1]))
AULA, LISTENER = W["aula"], W["listener"]
failed = []


def check(name, holds, told=""):
    print(("ok    " if holds else "FAILS ") + name + ("" if holds else f": {str(told)[:400]}"), flush=True)
    if not holds:
        failed.append(name)


def new():
    return Browser(AULA, LISTENER)


# What each provider's pages want.
def at_oidc(browser, provider, user):
    page = browser.get(f"{AULA}/identity/login/{provider}")
    for _ in range(4):
        if page.url.startswith(AULA):
            break
        prompt = browser.form(page)[1].get("prompt")
        page = browser.submit(page, {"login": user, "password": "any"} if prompt == "login" else {})
    return page


def answer_of(browser, provider, user):
    """A SAML provider's form for Aula: where it goes and its fields."""
    page = browser.get(f"{AULA}/identity/login/{provider}")
    action, fields = browser.form(page)
    values = {"user": user} if provider == "pysaml2" else {"userName": user, "groups": "teachers", "email": f"{user}@east.example"}
    return browser.form(browser.follow(browser.ask("POST", action, {**fields, **values})))


def at_saml(browser, provider, user):
    action, fields = answer_of(browser, provider, user)
    return browser.ask("POST", action, fields)


def reader(browser):
    page = browser.own("GET", "/identity/me")
    return (page.json().get("reader"), page.json().get("role")) if page.status == 200 else page.status


def whole(name, browser, page):
    """A login opens a session, which is exchanged for a credential of that reader, and is over after a logout."""
    check(f"{name}: logged in", page.status == 200 and reader(browser) == ("t-1042", "teacher"), f"{page.status} {page.text}")
    if page.status != 200:
        return
    given = browser.own("POST", "/identity/credential")
    check(f"{name}: credential", given.status == 200, given.text)
    if given.status == 200:
        for student, status in ((W["own"], "own"), (W["other"], "another")):
            headers = {"Aula-Credential": given.json()["credential"]}
            read = browser.ask("GET", f"http://{W['api']}/v1/vault/{student}?fields=grade", None, headers)
            # No family has agreed yet, so the access check gives neither; whom it knows the reader to teach it says.
            known = read.status == 403 and ("roster" in read.text) == (status == "another")
            check(f"{name}: {status} student", known, f"{read.status} {read.text}")
    check(f"{name}: logout", browser.own("POST", "/identity/logout").status == 200 and reader(browser) == 401)


def oidc():
    for provider in ("basic", "post", "public", "rs512", "ps256", "es256", "es384", "eddsa", "signed", "token"):
        browser = new()
        whole(f"oidc-provider {provider}", browser, at_oidc(browser, provider, "t-1042"))
    page = at_oidc(new(), "hs256", "t-1042")
    check("oidc-provider hs256: a shared secret's signature is refused", page.status == 403, page.text)
    page = at_oidc(new(), "wrong", "t-1042")
    check("oidc-provider: a wrong secret is refused", page.status == 403 and "not taken" in page.text, page.text)
    for user, why in (("j-1", "no role"), ("stranger", "not on the roster")):
        page = at_oidc(new(), "basic", user)
        check(f"oidc-provider: {why}, refused", page.status == 403, page.text)
    # One session there, two of Aula's clients: the provider's logout ends both, and no other browser's.
    browser, other = new(), new()
    at_oidc(browser, "basic", "t-1042")
    first = dict(browser.jars)
    kept = json.loads(json.dumps(first))
    at_oidc(browser, "es256", "t-1042")
    at_oidc(other, "basic", "t-1042")
    out = browser.own("POST", "/identity/logout").json()
    check("oidc-provider: Aula's logout says where the provider's is", "/session/end" in str(out.get("provider")), out)
    old = new()
    old.jars = kept
    check("oidc-provider: the other session goes on until then", reader(old) == ("t-1042", "teacher"))
    page = browser.get(out["provider"])
    browser.submit(page, {"logout": "yes"})
    time.sleep(1)
    check("oidc-provider: its back-channel logout ends it", reader(old) == 401, reader(old))
    check("oidc-provider: and not another browser's", reader(other) == ("t-1042", "teacher"))
    forged = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    page = new().ask("POST", f"{AULA}/identity/oidc/basic/logout", {"logout_token": f"{forged}.e30."})
    check("oidc-provider: a notice that nobody signed is refused", page.status == 400, page.text)
    # New keys, as a provider that was started again has them.
    subprocess.run(W["restart_oidc"], check=True, shell=True)
    time.sleep(31)
    browser = new()
    page = at_oidc(browser, "basic", "t-1042")
    check("oidc-provider: its keys were replaced", page.status == 200 and reader(browser) == ("t-1042", "teacher"), page.text)


# pysaml2 signs with SHA-1 unless it is told otherwise, and that is refused.
SHA256 = {"sign_alg": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "digest_alg": "http://www.w3.org/2001/04/xmlenc#sha256"}


def variant(**how):
    how = {**SHA256, **how}
    assert new().ask("POST", f"{W['pysaml2']}/variant", json.dumps(how)).text == "ok"


def pysaml2():
    sha1, sha512 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
    digest1, digest512 = "http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmlenc#sha512"
    for name, how in (("the assertion signed", {"assertion": True}), ("the response signed", {"response": True}),
                      ("both signed", {"assertion": True, "response": True}),
                      ("SHA-512", {"assertion": True, "sign_alg": sha512, "digest_alg": digest512}),
                      ("its clock 40 s ahead", {"assertion": True, "shift_s": 40}),
                      ("its clock 40 s behind", {"assertion": True, "shift_s": -40})):
        variant(**how)
        browser = new()
        whole(f"pysaml2, {name}", browser, at_saml(browser, "pysaml2", "t-1042"))
    for name, how, says in (("nothing signed", {}, "sign"), ("SHA-1", {"assertion": True, "sign_alg": sha1, "digest_alg": digest1}, "SHA-256"),
                            ("an hour ahead", {"assertion": True, "shift_s": 3600}, ""), ("an hour behind", {"assertion": True, "shift_s": -3600}, ""),
                            ("an encrypted assertion", {"assertion": True, "encrypt": True}, "encrypted"),
                            ("a key that its metadata lacks", {"assertion": True, "key": 2}, "")):
        variant(**how)
        page = at_saml(new(), "pysaml2", "t-1042")
        check(f"pysaml2, {name}: refused", page.status == 403 and says in page.text, f"{page.status} {page.text}")
    variant(assertion=True)
    browser = new()
    action, fields = answer_of(browser, "pysaml2", "t-1042")
    thief = new().ask("POST", action, fields)
    check("pysaml2: an answer in another browser is refused", thief.status == 403, thief.text)
    browser = new()
    action, fields = answer_of(browser, "pysaml2", "t-1042")
    check("pysaml2: taken", browser.ask("POST", action, fields).status == 200)
    check("pysaml2: and once", browser.ask("POST", action, fields).status == 400)
    unasked = {name: value for name, value in fields.items() if name != "RelayState"}
    page = new().ask("POST", action, unasked)
    check("pysaml2: an answer that nobody asked for is told where to begin", page.status == 400 and "/identity/login/pysaml2" in page.text, page.text)
    # The provider ends its session: signed, and not otherwise.
    idp = lambda sign: new().ask("POST", f"{W['pysaml2']}/logout", json.dumps({"user": "t-1042", "sign": sign})).text
    variant(assertion=True)
    for name, url, over in (("unsigned", idp(False), False), ("signed", idp(True), True)):
        page = new().ask("GET", url)
        check(f"pysaml2: {name} logout request", (reader(browser) == 401) == over, f"{page.status} {page.text} {reader(browser)}")
    check("pysaml2: it is answered, signed", page.status == 302 and "Signature=" in page.headers["Location"], f"{page.status} {page.text}")
    if page.status == 302:
        there = new().get(page.headers["Location"])
        check("pysaml2 takes the answer", "status:Success True" in there.text, there.text)
    # The key is replaced: its metadata with both keys, then the new one signs. The file of providers is not touched.
    subprocess.run(W["both_keys"], check=True, shell=True)
    time.sleep(3)
    for key in (1, 2):
        variant(assertion=True, key=key)
        browser = new()
        page = at_saml(browser, "pysaml2", "t-1042")
        check(f"pysaml2: key {key} of two in its metadata", page.status == 200, page.text)


def saml_idp():
    for provider in ("saml-idp", "saml-idp-assertion"):
        browser = new()
        whole(f"{provider}", browser, at_saml(browser, provider, "t-1042"))


for part in (oidc, pysaml2, saml_idp):
    if part.__name__ in W.get("parts", part.__name__):
        part()
print(f"{len(failed)} checks failed" if failed else "all checks hold")
sys.exit(1 if failed else 0)
