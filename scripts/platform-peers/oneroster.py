"""Asks Aula's OneRoster provider as a vendor does: by PyPI timeback-oneroster where it is installed, and by hand for what the standard
says of pages, order, filters, selections, scopes and refusals.

Usage: oneroster.py URL
A line a check; exit 1 when one fails.
"""
import asyncio, base64, json, sys
from urllib.error import HTTPError
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from urllib.request import Request, urlopen

URL = sys.argv[1]
SCOPE = "https://purl.imsglobal.org/spec/or/v1p2/scope/"
failed = []


def check(name, holds, told=""):
    print(("ok    " if holds else "FAILS ") + name + ("" if holds else f": {str(told)[:400]}"), flush=True)
    if not holds:
        failed.append(name)


def ask(url, bearer=None, form=None, basic=None, method=None):
    headers = {"Accept": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    if basic:
        headers["Authorization"] = "Basic " + base64.b64encode(basic.encode()).decode()
    body = urlencode(form).encode() if form is not None else None
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        with urlopen(Request(url, body, headers, method=method)) as answer:
            return answer.status, answer.headers, json.loads(answer.read() or b"null")
    except HTTPError as error:
        text = error.read()
        try:
            return error.code, error.headers, json.loads(text or b"null")
        except ValueError:
            return error.code, error.headers, text


def token(basic="lms:a secret", scope=None, **more):
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {}), **more}
    return ask(f"{URL}/oauth2/token", form=form, basic=basic)


# The client of somebody else: each of its objects is checked against that library's own types.
async def by_library():
    from timeback_oneroster import OneRosterClient

    async with OneRosterClient(base_url=URL, auth_url=f"{URL}/oauth2/token", client_id="lms", client_secret="a secret") as client:
        async def whole(name, resource, least, **how):
            try:
                page = await resource.list_all(**how) if hasattr(resource, "list_all") else None
                got = page if page is not None else [one async for one in resource.stream(**how)]
                check(f"timeback-oneroster: {name}", len(got) >= least, len(got))
                return got
            except Exception as error:
                check(f"timeback-oneroster: {name}", False, repr(error))
                return []

        for name, resource, least in (
            ("users, page by page", client.users, 132), ("students", client.students, 130), ("teachers", client.teachers, 2), ("schools", client.schools, 2),
            ("orgs", client.orgs, 3), ("classes", client.classes, 3), ("courses", client.courses, 3), ("enrollments", client.enrollments, 133),
            ("academic sessions", client.academic_sessions, 2), ("grading periods", client.grading_periods, 0),
            ("line items", client.line_items, 2), ("results", client.results, 8), ("categories", client.categories, 1),
            ("score scales", client.score_scales, 0), ("assessment line items", client.assessment_line_items, 1),
            ("assessment results", client.assessment_results, 130),
        ):
            await whole(name, resource, least)

        async def scoped(name, call, count):
            try:
                got = await call
                got = getattr(got, "data", got)
                check(f"timeback-oneroster: {name}", (len(got) if isinstance(got, list) else 1) == count, got)
            except Exception as error:
                check(f"timeback-oneroster: {name}", False, repr(error))

        await scoped("students of a school", client.schools("o-2").students(), 10)
        await scoped("classes of a school", client.schools("o-1").classes(), 2)
        await scoped("line items of a school", client.schools("o-2").line_items(), 1)
        await scoped("students of a class", client.classes("c-1").students(), 5)
        await scoped("line items of a class", client.classes("c-1").line_items(), 1)
        await scoped("results of a class", client.classes("c-1").results(), 5)
        await scoped("results of a line item", client.classes("c-1").line_item("L-1").results(), 5)
        await scoped("results of a student in a class", client.classes("c-1").student("S-0001").results(), 1)
        await scoped("classes of a user", client.users("t-1").classes(), 2)
        await scoped("one user", client.users.get("S-0001"), 1)
        await scoped("one line item", client.line_items.get("L-1"), 1)
        await scoped("a filter", client.users.list(where={"familyName": "O'Hara-7"}), 1)
        await scoped("an order", client.users.list(sort="familyName", order_by="desc", limit=3), 3)
        for name, call in (("demographics are refused", client.demographics.list()), ("nobody is not found", client.users.get("nobody"))):
            try:
                got = await call
                check(f"timeback-oneroster: {name}", False, got)
            except Exception as error:
                check(f"timeback-oneroster: {name}", getattr(error, "status_code", None) in (403, 404), repr(error))


try:
    import timeback_oneroster  # noqa: F401
    asyncio.run(by_library())
except ImportError:
    print("timeback-oneroster is not here: its part is left out")

# By hand.
status, headers, given = token()
bearer = (given or {}).get("access_token")
check("a token by client credentials, kept by no cache", status == 200 and given["token_type"].lower() == "bearer" and given["expires_in"] == 3600
      and headers["Cache-Control"] == "no-store", given)
status, _, other = ask(f"{URL}/oauth2/token", form={"grant_type": "client_credentials", "client_id": "lms", "client_secret": "a secret"})
check("a token with the client in the form", status == 200 and other["access_token"] != bearer, other)
for name, answer, want in (("a wrong secret", token("lms:wrong"), (401, "invalid_client")), ("an unknown client", token("x:y"), (401, "invalid_client")),
                           ("demographics", token(scope=f"{SCOPE}roster-demographics.readonly"), (400, "invalid_scope")),
                           ("another grant", ask(f"{URL}/oauth2/token", form={"grant_type": "password"}, basic="lms:a secret"), (400, "unsupported_grant_type"))):
    check(f"no token for {name}: {want[0]} {want[1]}", (answer[0], (answer[2] or {}).get("error")) == want, answer)
ROSTER, BOOK = f"{URL}/ims/oneroster/rostering/v1p2", f"{URL}/ims/oneroster/gradebook/v1p2"


def get(path, service=ROSTER, own=None):
    return ask(f"{service}/{path}", own or bearer)


def links(headers):
    found = {}
    for part in (headers.get("Link") or "").split(", <"):
        if ">" in part:
            url, _, rest = part.lstrip("<").partition(">")
            found[rest.split('rel="')[1].split('"')[0]] = url
    return found


# Pages.
seen, url, pages = [], f"{ROSTER}/students?limit=37", 0
while url:
    status, headers, body = ask(url, bearer)
    seen += [one["sourcedId"] for one in body["users"]]
    pages, url = pages + 1, links(headers).get("next")
check("pages: next leads through all of them, each once, in order", pages == 4 and len(seen) == len(set(seen)) == 130 and seen == sorted(seen), (pages, len(seen)))
status, headers, body = get("students?limit=37&offset=37")
own = links(headers)
check("pages: X-Total-Count, and first, prev, next, last", headers["X-Total-Count"] == "130" and set(own) == {"first", "prev", "next", "last"}
      and dict(parse_qsl(urlsplit(own["last"]).query))["offset"] == "111" and dict(parse_qsl(urlsplit(own["prev"]).query))["offset"] == "0", (headers["X-Total-Count"], own))
check("pages: one beyond the end is empty and counted", (lambda a: a[0] == 200 and a[2]["users"] == [] and a[1]["X-Total-Count"] == "130")(get("students?offset=500")))
check("pages: 100 without a limit", len(get("students")[2]["users"]) == 100)
# Order, filters, selections.
for name, path, want in (
    ("sort by a name, descending", "students?sort=familyName&orderBy=desc&limit=2", ["S-0100", "S-0099"]),
    ("a filter with a doubled quote", "students?filter=" + quote("familyName='O''Hara-7'"), ["S-0008"]),
    ("AND binds before OR", "students?filter=" + quote("familyName='O''Hara-7' OR familyName='O''Hara-8' AND grades='99'"), ["S-0008"]),
    ("contains", "students?limit=500&filter=" + quote("sourcedId~'-001'"), [f"S-001{n}" for n in range(10)]),
    ("behind a dot", "students?limit=1&filter=" + quote("primaryOrg.sourcedId='o-2'"), ["S-0121"]),
    ("one element of a list", "teachers?filter=" + quote("roles.org.sourcedId='o-2'"), ["t-2"]),
    ("nobody changed tomorrow", "students?filter=" + quote("dateLastModified>'2099-01-01T00:00:00.000Z'"), []),
    ("not equal", "orgs?filter=" + quote("type!='school'"), ["district-1"]),
):
    status, _, body = get(path)
    many = next(iter(body.values())) if status == 200 else body
    check(f"questions: {name}", status == 200 and [one["sourcedId"] for one in many] == want, many)
status, _, body = get("students?fields=sourcedId,familyName&limit=1")
check("questions: the fields asked for alone", status == 200 and set(body["users"][0]) == {"sourcedId", "familyName"}, body)
# That library looks for `terms` in what the standard calls `academicSessions`.
check("terms are academic sessions", [one["type"] for one in get("terms")[2]["academicSessions"]] == ["term"])
# Results of classes.
status, _, body = get("lineItems", BOOK)
item = next((one for one in body["lineItems"] if one["sourcedId"] == "L-1"), {})
check("a line item has all that the standard wants", all(item.get(name) for name in ("title", "assignDate", "dueDate", "class", "school", "category")), item)
for name, path, count in (("of a class", "classes/c-1/results", 5), ("of a line item", "classes/c-1/lineItems/L-1/results", 5),
                          ("of a student", "classes/c-1/students/S-0002/results", 1), ("of a class by score", "results?filter=" + quote("score>='8' AND class.sourcedId='c-1'"), 2),
                          ("of no class", "assessmentResults?limit=200", 130)):
    status, _, body = get(path, BOOK)
    many = next(iter(body.values())) if status == 200 else []
    check(f"results {name}", len(many) == count and all(one.get("scoreStatus") and one.get("scoreDate") and one.get("student") for one in many), body)
# Scopes.
_, _, given = token("core:core")
core = given["access_token"]
check("a core scope opens collections, and nothing below them", [get("students?limit=1", own=core)[0], get("schools/o-1/students", own=core)[0],
      get("results", BOOK, core)[0], get("classes/c-1/results", BOOK, core)[0], get("assessmentResults", BOOK, core)[0]] == [200, 403, 200, 403, 403])
# Refusals.
for name, path, status, minor in (
    ("a filter on a field that is none", "students?filter=" + quote("colour='x'"), 400, "invalid_filter_field"),
    ("a filter that cannot be read", "students?filter=" + quote("familyName=x"), 400, "invalid_filter_field"),
    ("a selection of a field that is none", "students?fields=colour", 400, "invalid_selection_field"),
    ("a limit of nothing", "students?limit=0", 422, "invaliddata"), ("an offset that is no number", "students?offset=x", 422, "invaliddata"),
    ("a student who is none", "students/nobody", 404, "unknownobject"), ("a school who is none", "schools/x/students", 404, "unknownobject"),
    ("an address that is none", "people", 404, "unknownobject"), ("demographics", "demographics", 403, "forbidden"),
):
    got, _, body = get(path)
    fields = ((body or {}).get("imsx_CodeMinor") or {}).get("imsx_codeMinorField") or [{}]
    check(f"refused: {name}: {status} {minor}", got == status and body.get("imsx_codeMajor") == "failure" and body.get("imsx_severity") == "error"
          and fields[0].get("imsx_codeMinorFieldValue") == minor, (got, body))
for name, own, method, status in (("no token", "x", None, 401), ("a POST", bearer, "POST", 405)):
    got, headers, body = ask(f"{ROSTER}/students", own, method=method)
    check(f"refused: {name}: {status}", got == status and "imsx_codeMajor" in body, (got, body))
print(f"oneroster: {len(failed)} checks failed" if failed else "oneroster: all checks hold")
sys.exit(1 if failed else 0)
