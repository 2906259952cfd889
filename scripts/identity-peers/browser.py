"""A browser as far as logins need one: cookies by host, redirects, forms. Aula's public name leads to its listener on loopback."""
import http.client, json
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit


class Page:
    def __init__(self, url, status, headers, text):
        self.url, self.status, self.headers, self.text = url, status, headers, text

    def json(self):
        return json.loads(self.text)


class Forms(HTMLParser):
    def __init__(self):
        super().__init__()
        self.action, self.fields = None, {}

    def handle_starttag(self, tag, attributes):
        own = dict(attributes)
        if tag == "form" and self.action is None and own.get("method", "").lower() == "post":
            self.action = own.get("action") or ""
        elif self.action is not None and "name" in own and tag in ("input", "textarea", "select"):
            if own.get("type") not in ("checkbox", "radio") or "checked" in own:
                self.fields.setdefault(own["name"], own.get("value") or "")


class Browser:
    def __init__(self, aula, listener):
        self.aula, self.listener, self.jars = aula, listener, {}

    def ask(self, method, url, body=None, headers=None):
        at = urlsplit(url)
        origin = f"{at.scheme}://{at.netloc}"
        place = self.listener if origin == self.aula else at.netloc
        jar = self.jars.setdefault(at.hostname, {})
        sent = {"Accept": "text/html", **({"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())} if jar else {}), **(headers or {})}
        connection = http.client.HTTPConnection(place, timeout=60)
        if isinstance(body, dict):
            body = urlencode(body)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, (at.path or "/") + (f"?{at.query}" if at.query else ""), body, sent)
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            over = "max-age=0" in line.lower().replace(" ", "") or "expires=thu, 01 jan 1970" in line.lower()
            jar.pop(name, None) if over or not value else jar.__setitem__(name, value)
        page = Page(url, answer.status, answer.headers, answer.read().decode(errors="replace"))
        connection.close()
        return page

    def follow(self, page):
        """Goes where a page redirects, to the first that does not."""
        for _ in range(20):
            if page.status not in (301, 302, 303, 307) or "Location" not in page.headers:
                return page
            page = self.ask("GET", urljoin(page.url, page.headers["Location"]))
        raise RuntimeError("redirects without end")

    def get(self, url):
        return self.follow(self.ask("GET", url))

    def form(self, page):
        """Where a page's first form that posts goes, and with what."""
        forms = Forms()
        forms.feed(page.text)
        if forms.action is None:
            raise RuntimeError(f"{page.url} has no form: {page.status} {page.text[:300]}")
        return urljoin(page.url, forms.action), forms.fields

    def submit(self, page, values):
        action, fields = self.form(page)
        return self.follow(self.ask("POST", action, {**fields, **values}))

    def own(self, method, path, body=None):
        """Aula's own routes, as a page of it asks."""
        sent = {"Aula-Request": "1", "Content-Type": "application/json"}
        return self.ask(method, self.aula + path, json.dumps(body) if body else "", sent)
