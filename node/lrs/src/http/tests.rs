//! The routes as a client sees them, without a network.

use aula_foreign::form::encoded;
use axum::body::to_bytes;
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::runtime::Runtime;
use tower_service::Service as _;

use super::*;
use crate::clients::Scope;
use crate::json::read;
use crate::store::MemoryStore;

struct World {
    runtime: Runtime,
    router: Router,
    service: Arc<Service>,
}

struct Got {
    status: u16,
    headers: HeaderMap,
    body: String,
}

const STATEMENT: &str = r#"{"actor":{"mbox":"mailto:ada@example.org"},"verb":{"id":"http://example.org/did"},
    "object":{"id":"http://example.org/a"},"result":{"score":{"raw":1.50}}}"#;

impl World {
    fn new() -> Self {
        let clients =
            [("all", Scope::All), ("writer", Scope::StatementsWrite), ("mine", Scope::StatementsReadMine)];
        let clients = clients.map(|(name, scope)| Client::new(name, Client::hash(b"secret"), [scope]));
        let desk = Desk::new(Arc::new(MemoryStore::default())).expect("memory");
        let service = Arc::new(Service::new(
            desk,
            Clients::new(clients.to_vec()),
            "http://localhost/xapi",
            Version::Two,
        ));
        let router = Router::new().nest("/xapi", router(service.clone()));
        Self { runtime: Runtime::new().expect("a runtime"), router, service }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Got {
        let mut request = axum::http::Request::builder().method(method).uri(format!("/xapi{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.into())).expect("a request");
        let mut router = self.router.clone();
        self.runtime.block_on(async move {
            // A router is ready at any time.
            let response = router.call(request).await.expect("an answer");
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.expect("a body");
            let body = String::from_utf8_lossy(&body).into_owned();
            Got { status: parts.status.as_u16(), headers: parts.headers, body }
        })
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Got {
        self.as_client("all", method, path, body)
    }

    fn as_client(&self, name: &str, method: &str, path: &str, body: &str) -> Got {
        let basic = basic(name);
        let headers = [
            ("authorization", basic.as_str()),
            ("x-experience-api-version", "1.0.3"),
            ("content-type", "application/json"),
        ];
        self.send(method, path, &headers, body)
    }
}

fn basic(name: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:secret")))
}

impl Got {
    fn json(&self) -> Json {
        read(self.body.as_bytes()).expect(&self.body)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[test]
fn a_statement_goes_in_and_comes_out_with_its_digits() {
    let world = World::new();
    let posted = world.ask("POST", "/statements", STATEMENT);
    assert_eq!(posted.status, 200, "{}", posted.body);
    assert_eq!(posted.header("x-experience-api-version"), Some("1.0.3"));
    let id = posted.json().as_array().expect("a list")[0].as_text().expect("an id").to_owned();
    let got = world.ask("GET", &format!("/statements?statementId={}", id.to_uppercase()), "");
    assert_eq!(got.status, 200);
    assert!(got.body.contains("\"raw\":1.50"), "{}", got.body);
    assert!(
        got.header("x-experience-api-consistent-through").is_some() && got.header("last-modified").is_some()
    );
    let authority =
        read(br#"{"objectType":"Agent","account":{"homePage":"http://localhost/xapi","name":"all"}}"#);
    assert_eq!(got.json().get("authority"), authority.ok().as_ref());
    let head = world.ask("HEAD", &format!("/statements?statementId={id}"), "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), Some(got.body.len().to_string().as_str()));
    assert_eq!(
        world.ask("PUT", &format!("/statements?statementId={id}"), STATEMENT).status,
        204,
        "the same again"
    );
    let other = STATEMENT.replace("1.50", "1.51");
    assert_eq!(world.ask("PUT", &format!("/statements?statementId={id}"), &other).status, 409);
}

#[test]
fn pages_are_linked_below_where_the_routes_are_mounted() {
    let world = World::new();
    let three = format!("[{STATEMENT},{STATEMENT},{STATEMENT}]");
    assert_eq!(world.ask("POST", "/statements", &three).status, 200);
    let agent = "%7B%22mbox%22%3A%22mailto%3Aada%40example.org%22%7D";
    let mut path = format!("/statements?limit=1&agent={agent}");
    let mut seen = Vec::new();
    for _ in 0..3 {
        let got = world.ask("GET", &path, "").json();
        let page = got.get("statements").and_then(Json::as_array).expect("statements").to_vec();
        assert_eq!(page.len(), 1);
        seen.extend(page.iter().filter_map(|one| one.text_of("id").map(str::to_owned)));
        let more = got.text_of("more").expect("more").to_owned();
        path = more.strip_prefix("/xapi").unwrap_or_default().to_owned();
    }
    assert_eq!(path, "");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[test]
fn strangers_and_narrow_clients_are_turned_away() {
    let world = World::new();
    let version = ("x-experience-api-version", "1.0.3");
    let stranger = world.send("GET", "/statements", &[version], "");
    assert_eq!((stranger.status, stranger.header("www-authenticate").is_some()), (401, true));
    let wrong = format!("Basic {}", STANDARD.encode("all:wrong"));
    assert_eq!(world.send("GET", "/statements", &[version, ("authorization", &wrong)], "").status, 401);
    assert_eq!(world.as_client("writer", "POST", "/statements", STATEMENT).status, 200);
    assert_eq!(world.as_client("writer", "GET", "/statements", "").status, 403);
    assert_eq!(world.as_client("mine", "POST", "/statements", STATEMENT).status, 403);
    let mine = world.as_client("mine", "GET", "/statements", "").json();
    assert_eq!(mine.get("statements").and_then(Json::as_array).map(<[Json]>::len), Some(0));
    for path in ["/activities/state", "/activities/profile", "/agents/profile", "/agents", "/activities"] {
        assert_eq!(world.as_client("writer", "GET", path, "").status, 403, "{path}");
    }
    // A secret changes without a restart.
    world.service.set_clients(Clients::default());
    assert_eq!(world.ask("GET", "/statements", "").status, 401);
}

#[test]
fn versions_are_asked_for_and_answered() {
    let world = World::new();
    let all = basic("all");
    let with = |version: Option<&str>| {
        let mut headers = vec![("authorization", all.as_str())];
        headers.extend(version.map(|version| ("x-experience-api-version", version)));
        let got = world.send("GET", "/statements", &headers, "");
        (got.status, got.header("x-experience-api-version").map(str::to_owned))
    };
    assert_eq!(with(Some("1.0")), (200, Some("1.0.3".into())));
    assert_eq!(with(Some("2.0.0")), (200, Some("2.0.0".into())));
    for refused in [None, Some("0.95"), Some("3.0.0"), Some("")] {
        assert_eq!(with(refused).0, 400, "{refused:?}");
    }
    // A refusal is in the version that the client spoke last, 2.0.0 to one who spoke none.
    assert_eq!(with(None), (400, Some("2.0.0".into())));
    assert_eq!(with(Some("1.0.1")).0, 200);
    assert_eq!(with(None), (400, Some("1.0.3".into())));
    let writer = basic("writer");
    let other = world.send("GET", "/statements", &[("authorization", writer.as_str())], "");
    assert_eq!(other.header("x-experience-api-version"), Some("2.0.0"));
    let about = world.send("GET", "/about", &[], "");
    assert_eq!(about.status, 200);
    assert!(about.body.contains("1.0.3") && about.body.contains("2.0.0"));
}

#[test]
fn the_alternate_syntax_is_1_0_3s() {
    let world = World::new();
    let all = basic("all");
    let form = |version: &str, body: &str, path: &str| {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let headers = [("authorization", all.as_str()), ("x-experience-api-version", version), kind];
        world.send("POST", path, &headers, body).status
    };
    let id = "2f1b6f0e-6a5d-4a7c-9d4b-0c6f0a1e2d3c";
    let body = format!("statementId={id}&content={}", encoded(STATEMENT));
    assert_eq!(form("1.0.3", &body, "/statements?method=PUT"), 204);
    assert_eq!(form("1.0.3", "limit=1", "/statements?method=GET"), 200);
    assert_eq!(form("2.0.0", &body, "/statements?method=PUT"), 400);
    assert_eq!(form("1.0.3", &body, &format!("/statements?method=PUT&statementId={id}")), 400);
    assert_eq!(form("1.0.3", "statementId=x", "/statements?method=PUT"), 400);
    assert_eq!(form("1.0.3", &format!("{body}&X-Experience-API-Version=0.8"), "/statements?method=PUT"), 400);
    let stranger = world.send(
        "POST",
        "/statements?method=PUT",
        &[("content-type", "application/x-www-form-urlencoded")],
        format!("{body}&Authorization={}&X-Experience-API-Version=1.0.3", encoded(&all)),
    );
    assert_eq!(stranger.status, 204, "{}", stranger.body);
}

#[test]
fn documents_are_written_merged_guarded_and_removed() {
    let world = World::new();
    let place = "?activityId=http%3A%2F%2Fexample.org%2Fa&agent=%7B%22mbox%22%3A%22mailto%3Aa%40b.org%22%7D&stateId=s";
    let state = format!("/activities/state{place}");
    assert_eq!(world.ask("POST", &state, r#"{"a":1}"#).status, 204);
    assert_eq!(world.ask("POST", &state, r#"{"b":2}"#).status, 204);
    let got = world.ask("GET", &state, "");
    assert_eq!(got.body, r#"{"a":1,"b":2}"#);
    let tag = got.header("etag").expect("a tag").to_owned();
    let all = basic("all");
    let put = |version: &str, condition: Option<(&str, &str)>| {
        let mut headers = vec![
            ("authorization", all.as_str()),
            ("x-experience-api-version", version),
            ("content-type", "text/plain"),
        ];
        headers.extend(condition);
        world.send("PUT", &state, &headers, "text").status
    };
    assert_eq!(put("2.0.0", None), 409);
    assert_eq!(put("2.0.0", Some(("if-match", "\"x\""))), 412);
    assert_eq!(put("2.0.0", Some(("if-none-match", "*"))), 412);
    assert_eq!(put("2.0.0", Some(("if-match", &tag))), 204);
    assert_eq!(world.ask("POST", &state, r#"{"c":3}"#).status, 400, "text is there");
    let list = state.replace("&stateId=s", "");
    assert_eq!(world.ask("GET", &list, "").body, "[\"s\"]");
    assert_eq!(world.ask("DELETE", &list, "").status, 204);
    assert_eq!(world.ask("GET", &state, "").status, 404);
    let profile = "/agents/profile?agent=%7B%22mbox%22%3A%22mailto%3Aa%40b.org%22%7D&profileId=p";
    assert_eq!(world.ask("PUT", profile, "{}").status, 400, "1.0.3 asks for a condition");
}

#[test]
fn attachments_come_back_with_the_statement() {
    let world = World::new();
    // SHA-256 of "hello".
    let sha2 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let described = format!(
        r#","attachments":[{{"usageType":"http://example.org/u","display":{{"en":"x"}},"contentType":"text/plain","length":5,"sha2":"{sha2}"}}]}}"#
    );
    let statement = format!("{}{described}", STATEMENT.strip_suffix('}').expect("an object"));
    let body = format!(
        "--b\r\nContent-Type: application/json\r\n\r\n{statement}\r\n--b\r\nContent-Type: text/plain\r\n\
         Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}\r\n\r\nhello\r\n--b--"
    );
    let all = basic("all");
    let headers = |kind: &'static str| {
        [
            ("authorization", all.clone()),
            ("x-experience-api-version", "1.0.3".into()),
            ("content-type", kind.to_owned()),
        ]
    };
    let send = |kind: &'static str, body: &str| {
        let headers = headers(kind);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.send("POST", "/statements", &headers, body).status
    };
    assert_eq!(send("multipart/mixed; boundary=b", &body), 200);
    assert_eq!(send("application/json", &statement), 400, "no bytes and no fileUrl");
    assert_eq!(send("multipart/form-data; boundary=b", &body), 400);
    assert_eq!(send("multipart/mixed; boundary=b", &body.replace("hello", "hallo")), 400);
    let got = world.ask("GET", "/statements?attachments=true", "");
    assert!(got.header("content-type").is_some_and(|kind| kind.starts_with("multipart/mixed; boundary=")));
    assert!(got.body.contains("\r\n\r\nhello\r\n--") && got.body.contains(sha2));
}

#[test]
fn what_is_too_large_or_unknown_is_refused_with_its_own_code() {
    let world = World::new();
    let large = "x".repeat(crate::limits::MAX_BODY_BYTES + 1);
    assert_eq!(world.ask("POST", "/statements", &large).status, 413);
    let long = STATEMENT.replace("ada", &"a".repeat(crate::limits::MAX_STATEMENT_BYTES));
    assert_eq!(world.ask("POST", "/statements", &long).status, 400, "an address of a megabyte");
    let response =
        STATEMENT.replace("\"score\"", &format!("\"response\":\"{}\",\"score\"", "x".repeat(1 << 20)));
    assert_eq!(world.ask("POST", "/statements", &response).status, 413);
    assert_eq!(world.ask("POST", "/statements", &"[".repeat(100_000)).status, 400);
    assert_eq!(world.ask("POST", "/statements", &STATEMENT.replace("1.50", "1e999")).status, 400);
    assert_eq!(world.ask("POST", "/statements?foo=bar", STATEMENT).status, 400);
    assert_eq!(world.ask("PATCH", "/statements", STATEMENT).status, 405);
    assert_eq!(world.ask("POST", "/about", "").status, 405);
    assert_eq!(world.ask("GET", "/statements?agent=%FF", "").status, 400);
    let error = world.ask("POST", "/statements", "{}");
    assert!(error.json().text_of("error").is_some_and(|text| text.contains("actor")), "{}", error.body);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_the_server_fail(
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        kind in proptest::sample::select(vec!["application/json", "multipart/mixed; boundary=b", "text/plain", "x"]),
        path in proptest::sample::select(vec!["/statements", "/activities/state", "/agents/profile", "/statements?method=PUT"]),
        method in proptest::sample::select(vec!["GET", "PUT", "POST", "DELETE"]),
    ) {
        let world = World::new();
        let all = basic("all");
        let headers = [("authorization", all.as_str()), ("x-experience-api-version", "1.0.3"), ("content-type", kind)];
        let got = world.send(method, path, &headers, body);
        proptest::prop_assert!((200..500).contains(&got.status), "{} {}", got.status, got.body);
    }
}

#[test]
fn of_a_strangers_body_not_a_byte_is_read() {
    let world = World::new();
    let wrong = format!("Basic {}", STANDARD.encode("all:guessed"));
    for (path, authorization) in [
        ("/statements", None),
        ("/statements", Some(wrong.as_str())),
        ("/activities/state?activityId=a", Some("Bearer x")),
        ("/statements?method=PUT", Some(wrong.as_str())),
    ] {
        let asked = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = asked.clone();
        let body = Body::from_stream(futures::stream::poll_fn(move |_| {
            seen.store(true, std::sync::atomic::Ordering::Relaxed);
            std::task::Poll::<Option<Result<bytes::Bytes, std::io::Error>>>::Pending
        }));
        let mut request = axum::http::Request::builder().method("POST").uri(format!("/xapi{path}"));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(body).expect("a request");
        let mut router = world.router.clone();
        let response = world.runtime.block_on(async move {
            let answer = tokio::time::timeout(Duration::from_secs(5), router.call(request)).await;
            answer.expect("an answer before the body").expect("an answer")
        });
        assert_eq!(response.status(), 401, "{path} {authorization:?}");
        assert!(response.headers().contains_key("www-authenticate"));
        assert!(response.headers().contains_key("x-experience-api-version"));
        assert!(!asked.load(std::sync::atomic::Ordering::Relaxed), "{path}: the body was asked for");
    }
}

#[test]
fn a_form_with_credentials_in_it_is_read_to_its_own_bound() {
    let world = World::new();
    let form = |length: usize| {
        let statement = STATEMENT.replace("Ada", "").replace('\n', " ");
        format!(
            "Authorization={}&X-Experience-API-Version=1.0.3&Content-Type=application/json&content={}{}",
            encoded(&basic("all")),
            encoded(&statement),
            "%20".repeat(length)
        )
    };
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let taken = world.send("POST", "/statements?method=POST", &headers, form(0));
    assert_eq!(taken.status, 200, "{}", taken.body);
    let refused =
        world.send("POST", "/statements?method=POST", &headers, form(crate::limits::MAX_FORM_BYTES));
    assert_eq!(refused.status, 413, "{}", refused.body);
}
