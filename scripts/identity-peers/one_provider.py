"""An OpenID provider of a page: who asks with the cookie `user` is that user, without being asked. The standard library and openssl alone.

Whose name begins with head is in the group heads, everybody else in teachers. Usage: one_provider.py PORT RSA.key REDIRECT
"""
import base64, hashlib, json, secrets, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

PORT, KEY, REDIRECT = int(sys.argv[1]), sys.argv[2], sys.argv[3]
ISSUER, CLIENT = f"http://127.0.0.1:{PORT}", "aula"
codes = {}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def modulus():
    told = subprocess.run(["openssl", "rsa", "-in", KEY, "-noout", "-modulus"], capture_output=True, check=True, text=True)
    return b64(bytes.fromhex(told.stdout.strip().split("=")[1]))


JWK = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": modulus(), "e": "AQAB"}


def signed(claims):
    head = b64(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "one"}).encode())
    said = f"{head}.{b64(json.dumps(claims).encode())}"
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY], input=said.encode(), capture_output=True, check=True)
    return f"{said}.{b64(done.stdout)}"


class Provider(BaseHTTPRequestHandler):
    def tell(self, status, value, **headers):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        at = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(at.query).items()}
        if at.path == "/.well-known/openid-configuration":
            self.tell(200, {
                "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/jwks", "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"], "token_endpoint_auth_methods_supported": ["none"],
            })
        elif at.path == "/jwks":
            self.tell(200, {"keys": [JWK]})
        elif at.path == "/authorize" and asked.get("redirect_uri") == REDIRECT and asked.get("client_id") == CLIENT:
            cookies = dict(one.strip().partition("=")[::2] for one in self.headers.get("Cookie", "").split(";"))
            code = secrets.token_urlsafe(16)
            codes[code] = (cookies["user"], asked["nonce"], asked["code_challenge"])
            self.tell(302, {}, Location=f"{REDIRECT}?{urlencode({'code': code, 'state': asked['state']})}")
        else:
            self.tell(404, {"error": "not_found"})

    def do_POST(self):
        sent = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        user, nonce, challenge = codes.pop(sent.get("code", [""])[0], (None, None, None))
        proof = b64(hashlib.sha256(sent.get("code_verifier", [""])[0].encode()).digest())
        if user is None or proof != challenge:
            self.tell(400, {"error": "invalid_grant"})
            return
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": CLIENT, "sub": f"id-of-{user}", "nonce": nonce, "iat": now, "exp": now + 300,
            "preferred_username": user, "groups": ["heads" if user.startswith("head") else "teachers"],
        }
        token = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 300, "id_token": signed(claims)}
        self.tell(200, token)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Provider).serve_forever()
