"""A SAML identity provider (PyPI pysaml2) on loopback.

Usage: pysaml2_idp.py metadata BASE FOLDER one|both    prints its metadata, with one key of FOLDER or two
       pysaml2_idp.py serve BASE FOLDER SP_METADATA    serves /sso, /slo and, for the driver, /variant and /logout
How it signs, and how wrong its clock is, is told to /variant as JSON.
"""
import datetime, json, sys, time, types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import saml2.time_util
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORD
from saml2.config import IdPConfig
from saml2.metadata import create_metadata_string
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server

mode, base, folder = sys.argv[1:4]
variant = {}


class Shifted(datetime.datetime):
    """A clock that is wrong by as much as the variant says."""

    @classmethod
    def now(cls, zone=None):
        return datetime.datetime.now(zone) + datetime.timedelta(seconds=variant.get("shift_s", 0))


def gmtime(at=None):
    return time.gmtime(time.time() + variant.get("shift_s", 0) if at is None else at)


saml2.time_util.datetime = Shifted
saml2.time_util.time = types.SimpleNamespace(gmtime=gmtime, strftime=time.strftime, strptime=time.strptime, mktime=time.mktime)


def config(key, metadata):
    values = {
        "entityid": f"{base}/idp",
        "service": {"idp": {
            "endpoints": {
                "single_sign_on_service": [(f"{base}/sso", BINDING_HTTP_REDIRECT)],
                "single_logout_service": [(f"{base}/slo", BINDING_HTTP_REDIRECT)],
            },
            "policy": {"default": {"lifetime": {"minutes": 15}, "attribute_restrictions": None, "name_form": NAME_FORMAT_URI}},
            "name_id_format": [NAMEID_FORMAT_PERSISTENT],
            "want_authn_requests_signed": True,
        }},
        "key_file": f"{folder}/idp{key}.key",
        "cert_file": f"{folder}/idp{key}.crt",
        "additional_cert_files": [],
        "allow_unknown_attributes": True,
        "metadata": {"local": [metadata]} if metadata else {},
    }
    made = IdPConfig()
    made.load(values)
    return made


if mode == "metadata":
    # A provider that will replace its key publishes both for a while.
    read = [ElementTree.fromstring(create_metadata_string(None, config(key, None), sign=False)) for key in (1, 2)]
    role = next(one for one in read[0] if one.tag.endswith("IDPSSODescriptor"))
    if sys.argv[4] == "both":
        other = next(one for one in read[1] if one.tag.endswith("IDPSSODescriptor"))
        role.insert(0, next(one for one in other if one.tag.endswith("KeyDescriptor")))
    print(ElementTree.tostring(read[0], encoding="unicode"))
    sys.exit(0)

servers = {number: Server(config=config(number, sys.argv[4])) for number in (1, 2)}
said = {}


def response(query, user):
    server = servers[variant.get("key", 1)]
    one = {name: values[0] for name, values in query.items()}
    request = server.parse_authn_request(one["SAMLRequest"], BINDING_HTTP_REDIRECT, relay_state=one["RelayState"],
                                         sigalg=one["SigAlg"], signature=one["Signature"]).message
    name = NameID(format=NAMEID_FORMAT_PERSISTENT, text=user, name_qualifier=f"{base}/idp")
    identity = {"eduPersonAffiliation": ["staff", "teacher"], "uid": user, "mail": [f"{user}@east.example"]}
    more = {}
    if variant.get("encrypt"):
        with open(f"{folder}/other.crt") as file:
            more = {"encrypt_assertion": True, "encrypt_cert_assertion": file.read(), "encrypted_advice_attributes": False}
    made = server.create_authn_response(
        identity, in_response_to=request.id, destination=request.assertion_consumer_service_url,
        sp_entity_id=request.issuer.text, name_id=name, userid=user, authn={"class_ref": PASSWORD, "authn_auth": base},
        sign_response=variant.get("response", False), sign_assertion=variant.get("assertion", False),
        sign_alg=variant.get("sign_alg"),
        digest_alg=variant.get("digest_alg"), **more)
    text = str(made)
    index = text.split('SessionIndex="')[1].split('"')[0] if 'SessionIndex="' in text else None
    said[user] = (request.issuer.text, name, index)
    form = server.apply_binding(BINDING_HTTP_POST, text, request.assertion_consumer_service_url,
                                query.get("RelayState", [""])[0], response=True)
    return form["data"]


def logout(user, sign):
    server = servers[variant.get("key", 1)]
    issuer, name, index = said[user]
    address = next(one["location"] for one in server.metadata.single_logout_service(issuer, BINDING_HTTP_REDIRECT, "spsso"))
    _, request = server.create_logout_request(address, issuer, name_id=name, session_indexes=[index] if index else None, sign=False)
    info = server.apply_binding(BINDING_HTTP_REDIRECT, str(request), address, "back", sign=sign)
    return dict(info["headers"])["Location"]


class Handler(BaseHTTPRequestHandler):
    def answer(self, text, status=200):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        at = urlsplit(self.path)
        query = parse_qs(at.query)
        if at.path == "/sso":
            self.answer(f'<form method="post" action="{self.path.replace("&", "&amp;")}"><input name="user" value=""></form>')
        elif at.path == "/slo":
            # pysaml2 finds the answer's request only in a session of its own; its signature and form are what is looked at here.
            server = servers[1]
            read = server.parse_logout_request_response(query["SAMLResponse"][0], BINDING_HTTP_REDIRECT)
            self.answer(f"{read.response.status.status_code.value} {'Signature' in query}")
        else:
            self.answer("", 404)

    def do_POST(self):
        at = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        try:
            if at.path == "/variant":
                variant.clear()
                variant.update(json.loads(body))
                self.answer("ok")
            elif at.path == "/logout":
                asked = json.loads(body)
                self.answer(logout(asked["user"], asked["sign"]))
            else:
                self.answer(response(parse_qs(at.query), parse_qs(body)["user"][0]))
        except Exception as error:  # told to the driver, which fails by it
            self.answer(f"{type(error).__name__}: {error}", 500)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", urlsplit(base).port), Handler).serve_forever()
