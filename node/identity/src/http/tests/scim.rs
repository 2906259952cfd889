//! The directory as an identity system keeps it, over the routes: and what becomes of sessions and tokens.

use super::*;
use crate::mapping::Staff;
use crate::scim::{CORE, ENTERPRISE};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const AT: &str = "/identity/scim/v2";

fn kept(enforce: bool) -> Option<Rule> {
    let map = "reader = \"userName\"\nrole = [{claim=\"roles\",value=\"head\",role=\"admin\"},{claim=\"roles\",value=\"teacher\",role=\"teacher\"},\
               {claim=\"roles\",value=\"counselor\",role=\"counselor\"}]";
    Some(Rule { map: toml::from_str(map).unwrap(), enforce })
}

fn user(name: &str, role: &str) -> Value {
    json!({"schemas": [CORE], "userName": name, "roles": [{"value": role}], "active": true})
}

fn set(path: &str, value: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": [{"op": "replace", "path": path, "value": value}]})
}

/// A stage with a directory, and the token that keeps it.
struct Kept {
    stage: Stage,
    bearer: String,
}

impl Kept {
    async fn new() -> Self {
        let stage = Stage::keeping(map(), kept(true));
        let bearer = token_of(&stage, "head-1", "heads", "[\"scim\"]").await;
        Self { stage, bearer }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("authorization", self.bearer.as_str()), ("content-type", "application/scim+json")];
        let (status, _, body) = self.stage.ask(method, &format!("{AT}{path}"), &headers, body).await;
        (status.as_u16(), body)
    }

    /// Makes a user; gives its path.
    async fn make(&self, name: &str, role: &str) -> String {
        let (status, made) = self.ask("POST", "/Users", user(name, role)).await;
        assert_eq!(status, 201, "{made}");
        format!("/Users/{}", made["id"].as_str().unwrap())
    }
}

/// A token that somebody makes who logs in for it.
async fn token_of(stage: &Stage, name: &str, groups: &str, scopes: &str) -> String {
    let cookie = stage.session(name, groups).await;
    let own = [("cookie", cookie.as_str()), (ASKED_HEADER, "1")];
    let body = format!("{{\"name\":\"a program\",\"scopes\":{scopes},\"days\":30}}");
    let (status, _, made) = stage.ask("POST", "/identity/tokens", &own, body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    format!("Bearer {}", made["token"].as_str().unwrap())
}

#[tokio::test]
async fn who_becomes_inactive_or_is_removed_has_no_session_and_no_token_at_once() {
    for (method, body) in [
        ("PATCH", set("active", json!(false))),
        ("PATCH", set("active", json!("False"))),
        ("PATCH", json!({"schemas": [PATCH], "Operations": [{"op": "Replace", "value": {"active": false}}]})),
        ("PUT", json!({"schemas": [CORE], "userName": "t-1042", "roles": ["teacher"], "active": false})),
        ("PUT", json!({"schemas": [CORE], "userName": "t-7", "roles": ["teacher"]})),
        ("PATCH", set("roles", json!([{"value": "janitor"}]))),
        ("DELETE", Value::Null),
    ] {
        let kept = Kept::new().await;
        let path = kept.make("t-1042", "teacher").await;
        kept.make("c-7", "counselor").await;
        let (teacher, counselor) =
            (kept.stage.session("t-1042", "teachers").await, kept.stage.session("c-7", "teachers").await);
        let bearer = token_of(&kept.stage, "t-1042", "teachers", "[\"vault\"]").await;
        let own = |cookie: &str| {
            [("cookie".to_owned(), cookie.to_owned()), (ASKED_HEADER.to_owned(), "1".to_owned())]
        };
        let ask = async |headers: &[(String, String)]| {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            kept.stage.credential(&headers).await.0.as_u16()
        };
        let token = [("authorization".to_owned(), bearer)];
        assert_eq!(
            (ask(&own(&teacher)).await, ask(&token).await, ask(&own(&counselor)).await),
            (200, 200, 200)
        );
        let hold = || {
            ["t-1042", "c-7"].map(|reader| {
                let role = if reader == "c-7" { "counselor" } else { "teacher" };
                [role, "auditor"].map(|role| kept.stage.desk.holds(reader, role))
            })
        };
        assert_eq!(hold(), [[true; 2]; 2]);
        let (status, told) = kept.ask(method, &path, body.clone()).await;
        assert!([200, 204].contains(&status), "{method} {body}: {told}");
        // What was issued ends too; the directory says nothing of who is no staff by trade.
        assert_eq!(hold(), [[false, true], [true, true]], "{method} {body}");
        assert!(!kept.stage.desk.holds("c-7", "admin"), "another role than the directory's");
        assert!(
            kept.stage.desk.sessions.list(clock()).iter().all(|one| one.reader != "t-1042"),
            "{method} {body}"
        );
        let line = format!("{method} {body}");
        assert_eq!((ask(&own(&teacher)).await, ask(&token).await), (401, 401), "{line}");
        assert_eq!(ask(&own(&counselor)).await, 200, "{line}: somebody else's goes on");
        let (status, ..) = kept.stage.login("t-1042", "teachers").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{line}: no new session");
        // What was revoked stays so when she comes back; a new login opens.
        if status.is_client_error() && method == "PATCH" {
            let back = json!({"schemas": [CORE], "userName": "t-1042", "roles": ["teacher"]});
            assert_eq!(kept.ask("PUT", &path, back).await.0, 200);
            assert_eq!((ask(&token).await, ask(&own(&teacher)).await), (401, 401), "{line}");
            kept.stage.session("t-1042", "teachers").await;
        }
    }
}

#[tokio::test]
async fn a_role_follows_the_directory_in_sessions_and_tokens_that_go_on() {
    let kept = Kept::new().await;
    let path = kept.make("t-1042", "teacher").await;
    let cookie = kept.stage.session("t-1042", "teachers").await;
    let bearer = token_of(&kept.stage, "t-1042", "teachers", "[\"vault\"]").await;
    let own = [("cookie", cookie.as_str()), (ASKED_HEADER, "1")];
    let signed = async |headers: &[(&str, &str)]| {
        let (_, _, given) = kept.stage.credential(headers).await;
        given["credential"].as_str().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let token = [("authorization", bearer.as_str())];
    assert_eq!(
        (signed(&own).await, signed(&token).await),
        ("vault-teacher-t-1042".into(), "vault-teacher-t-1042".into())
    );
    assert_eq!(kept.ask("PATCH", &path, set("roles", json!(["counselor"]))).await.0, 200);
    let now = "vault-counselor-t-1042".to_owned();
    assert_eq!((signed(&own).await, signed(&token).await), (now.clone(), now));
    let (_, _, me) = kept.stage.ask("GET", "/identity/me", &own, String::new()).await;
    assert_eq!(me["role"], "counselor");
    // What the provider says of the role at a login counts for nothing beside it.
    let again = kept.stage.session("t-1042", "heads").await;
    assert_eq!(signed(&[("cookie", &again), (ASKED_HEADER, "1")]).await, "vault-counselor-t-1042");
}

#[tokio::test]
async fn a_directory_decides_from_its_first_user_on_unless_it_is_filled_still() {
    let kept = Kept::new().await;
    kept.stage.session("t-1042", "teachers").await;
    kept.make("c-7", "counselor").await;
    assert_eq!(kept.stage.login("t-1042", "teachers").await.0, StatusCode::FORBIDDEN);
    assert_eq!(kept.stage.login("head-1", "heads").await.0, StatusCode::FORBIDDEN, "an admin too");
    // The token that keeps it outlives who made it.
    kept.make("head-1", "head").await;
    let admin = kept.stage.session("head-1", "heads").await;
    let filling = Registered { providers: vec![provider("east", map())], directory: self::kept(false) };
    kept.stage.desk.set_providers(filling).unwrap();
    kept.stage.session("t-1042", "teachers").await;
    assert_eq!(kept.ask("GET", "/Users", Value::Null).await.1["totalResults"], 2);
    let own = [("cookie", admin.as_str()), (ASKED_HEADER, "1")];
    let (_, _, listed) = kept.stage.ask("GET", "/identity/tokens", &own, String::new()).await;
    let id =
        listed["tokens"].as_array().unwrap().iter().find(|one| one["scopes"][0] == "scim").unwrap()["id"]
            .clone();
    let path = format!("/identity/tokens/{}", id.as_str().unwrap());
    assert_eq!(kept.stage.ask("DELETE", &path, &own, String::new()).await.0, StatusCode::OK);
    assert_eq!(kept.ask("GET", "/Users", Value::Null).await.0, 401, "revoked");
}

#[tokio::test]
async fn only_a_token_of_the_scope_opens_the_directory_and_only_an_admin_makes_one() {
    let stage = Stage::keeping(map(), kept(true));
    let (teacher, admin) =
        (stage.session("t-1042", "teachers").await, stage.session("head-1", "heads").await);
    let wanted = |scopes: &str| format!("{{\"name\":\"a\",\"scopes\":{scopes},\"days\":1}}");
    for (cookie, scopes, status) in
        [(&teacher, "[\"scim\"]", 403), (&admin, "[\"scim\",\"vault\"]", 400), (&admin, "[\"scim\"]", 201)]
    {
        let own = [("cookie", cookie.as_str()), (ASKED_HEADER, "1")];
        let told = stage.ask("POST", "/identity/tokens", &own, wanted(scopes)).await.0;
        assert_eq!(told.as_u16(), status, "{scopes}");
    }
    let vault = token_of(&stage, "head-1", "heads", "[\"vault\",\"me\"]").await;
    let scim = token_of(&stage, "head-1", "heads", "[\"scim\"]").await;
    let routes = [
        "/Users",
        "/Users/1",
        "/Users/1/2",
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
        "/Schemas/x",
        "/Me",
        "/Bulk",
        "/Groups",
        "",
    ];
    for path in routes {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            for (headers, wanted) in [
                (vec![], 401),
                (vec![("authorization", "Bearer aula_1_2")], 401),
                (vec![("authorization", "Basic eDp5")], 401),
                (vec![("cookie", admin.as_str()), (ASKED_HEADER, "1")], 401),
                (vec![("authorization", vault.as_str())], 403),
            ] {
                let body = user("t-9", "head").to_string();
                let (status, _, told) = stage.ask(method, &format!("{AT}{path}"), &headers, body).await;
                assert_eq!(
                    (status.as_u16(), &told["status"]),
                    (wanted, &json!(wanted.to_string())),
                    "{method} {path}"
                );
            }
        }
    }
    // And that token opens nothing else.
    for (method, path) in [
        ("GET", "/identity/me"),
        ("POST", "/identity/credential"),
        ("GET", "/identity/tokens"),
        ("GET", "/identity/sessions"),
    ] {
        let (status, ..) = stage.ask(method, path, &[("authorization", &scim)], String::new()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    let without = Stage::new();
    let bearer = token_of(&without, "head-1", "heads", "[\"scim\"]").await;
    let (status, ..) =
        without.ask("GET", &format!("{AT}/Users"), &[("authorization", &bearer)], String::new()).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "no directory is kept there");
}

#[tokio::test]
async fn users_are_made_found_listed_changed_and_removed_as_the_standard_says() {
    let kept = Kept::new().await;
    let sent = json!({"schemas": [CORE, ENTERPRISE], "userName": "T-1042", "externalId": "x1", "name": {"familyName": "no"}, "roles": [{"value": "teacher", "primary": true}],
        ENTERPRISE: {"employeeNumber": "7"}});
    let headers = [("authorization", kept.bearer.as_str())];
    let (status, set_or_location, made) =
        kept.stage.ask("POST", &format!("{AT}/Users"), &headers, sent.to_string()).await;
    assert_eq!(status, StatusCode::CREATED);
    let location = made["meta"]["location"].as_str().unwrap();
    assert_eq!(set_or_location, [location]);
    assert!(location.starts_with("https://aula.example/identity/scim/v2/Users/"), "{location}");
    assert_eq!(
        (&made["active"], &made["meta"]["resourceType"], &made[ENTERPRISE]["employeeNumber"]),
        (&json!(true), &json!("User"), &json!("7"))
    );
    assert!(made["meta"]["created"].as_str().is_some_and(|date| date.ends_with('Z') && date.contains('T')));
    assert!(!made.to_string().contains("familyName"), "no name of a person is kept");
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    assert_eq!(kept.ask("GET", &path, Value::Null).await, (200, made.clone()));
    let (status, told) = kept.ask("POST", "/Users", user("t-1042", "teacher")).await;
    assert_eq!((status, &told["scimType"]), (409, &json!("uniqueness")));
    for n in 0..4 {
        kept.make(&format!("u-{n}"), "teacher").await;
    }
    for (query, total, on_page) in [
        ("", 5, 5),
        ("?filter=userName%20eq%20%22t-1042%22", 1, 1),
        ("?filter=userName+eq+%22T-1042%22&count=0", 1, 0),
        ("?filter=externalId%20eq%20%22x1%22%20and%20active%20eq%20true", 1, 1),
        ("?filter=userName%20eq%20%22nobody%22", 0, 0),
        ("?startIndex=4&count=9", 5, 2),
        ("?startIndex=-3&count=2", 5, 2),
        ("?startIndex=9", 5, 0),
        ("?count=-1", 5, 0),
        ("?count=100000", 5, 5),
    ] {
        let (status, told) = kept.ask("GET", &format!("/Users{query}"), Value::Null).await;
        let page = told["Resources"].as_array().map(Vec::len);
        assert_eq!(
            (status, &told["totalResults"], page, &told["itemsPerPage"]),
            (200, &json!(total), Some(on_page), &json!(on_page)),
            "{query}"
        );
    }
    let (_, told) = kept.ask("GET", &format!("{path}?attributes=userName"), Value::Null).await;
    assert!(told.get("roles").is_none() && told["userName"] == "T-1042" && told["id"] == made["id"]);
    let (status, told) = kept.ask("PATCH", &path, set("userName", json!("t-1043"))).await;
    assert_eq!((status, &told["userName"], &told["externalId"]), (200, &json!("t-1043"), &json!("x1")));
    let (status, told) = kept.ask("PUT", &path, user("t-1043", "counselor")).await;
    assert_eq!(
        (status, &told["roles"][0]["value"], told.get("externalId")),
        (200, &json!("counselor"), None)
    );
    assert_eq!(told["meta"]["created"], made["meta"]["created"]);
    assert_eq!(kept.ask("DELETE", &path, Value::Null).await, (204, Value::Null));
    for (method, body) in [
        ("GET", Value::Null),
        ("DELETE", Value::Null),
        ("PUT", user("t-1043", "x")),
        ("PATCH", set("active", json!(true))),
    ] {
        let (status, told) = kept.ask(method, &path, body).await;
        assert_eq!((status, &told["status"]), (404, &json!("404")), "{method}");
    }
    kept.make("t-1043", "teacher").await;
}

#[tokio::test]
async fn what_is_wrong_is_answered_with_the_standard_s_body() {
    let kept = Kept::new().await;
    let path = kept.make("t-1042", "teacher").await;
    let many = format!("/Users?filter={}", "x".repeat(3_000));
    for (method, path, body, status, kind) in [
        ("POST", "/Users", json!({"userName": "a"}), 400, "invalidSyntax"),
        ("POST", "/Users", json!({"schemas": [CORE]}), 400, "invalidValue"),
        ("PUT", &path, json!([]), 400, "invalidSyntax"),
        ("PATCH", &path, json!({"schemas": [PATCH]}), 400, "invalidSyntax"),
        ("PATCH", &path, set("unheard", json!(1)), 400, "invalidPath"),
        ("PATCH", &path, set("id", json!("x")), 400, "mutability"),
        ("GET", "/Users?filter=userName%20co%20%22a%22", Value::Null, 400, "invalidFilter"),
        ("GET", &many, Value::Null, 400, "invalidFilter"),
        ("GET", "/Users?count=many", Value::Null, 400, "invalidValue"),
        ("GET", "/Users?count=1&count=2", Value::Null, 400, "invalidValue"),
        ("GET", "/Schemas?filter=id%20eq%20%22x%22", Value::Null, 403, ""),
        ("GET", "/ServiceProviderConfig?filter=x", Value::Null, 403, ""),
        ("GET", "/ResourceTypes/Group", Value::Null, 404, ""),
        ("GET", "/Groups", Value::Null, 404, ""),
        ("POST", "/Bulk", json!({}), 404, ""),
        ("GET", "/Me", Value::Null, 501, ""),
        ("DELETE", "/Users", Value::Null, 405, ""),
        ("POST", &path, json!({}), 405, ""),
        ("POST", "/Users", json!({"schemas": [CORE], "userName": "a", "title": "x".repeat(70_000)}), 413, ""),
    ] {
        let (found, told) = kept.ask(method, path, body.clone()).await;
        assert_eq!((found, &told["status"]), (status, &json!(status.to_string())), "{method} {path} {told}");
        assert_eq!(
            told["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
            "{method} {path}"
        );
        assert_eq!(told["scimType"].as_str().unwrap_or_default(), kind, "{method} {path}");
        assert!(told["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{method} {path}");
    }
    let headers = [("authorization", kept.bearer.as_str())];
    for garbage in ["", "{", "{\"schemas\":", "\u{0}", "7"] {
        let (status, _, told) =
            kept.stage.ask("POST", &format!("{AT}/Users"), &headers, garbage.into()).await;
        assert_eq!((status.as_u16(), &told["scimType"]), (400, &json!("invalidSyntax")), "{garbage:?}");
    }
    let (status, config) = kept.ask("GET", "/ServiceProviderConfig", Value::Null).await;
    assert_eq!(
        (status, &config["patch"]["supported"], &config["bulk"]["supported"]),
        (200, &json!(true), &json!(false))
    );
    let (_, types) = kept.ask("GET", "/ResourceTypes", Value::Null).await;
    assert_eq!((&types["Resources"][0]["endpoint"], &types["totalResults"]), (&json!("/Users"), &json!(1)));
    let (_, schema) = kept.ask("GET", &format!("/Schemas/{CORE}"), Value::Null).await;
    let named = |name: &str| schema["attributes"].as_array().unwrap().iter().any(|one| one["name"] == name);
    assert!(named("userName") && named("active") && !named("emails") && !named("name"));
}

#[tokio::test]
async fn who_left_the_roster_loses_the_session_at_the_next_look_and_at_the_next_request() {
    let stage = Stage::new();
    let (teacher, admin) =
        (stage.session("t-1042", "teachers").await, stage.session("head-1", "heads").await);
    let gone = Staff { reader: "gone-1".into(), role: "teacher".into(), sections: None };
    let begin = || stage.desk.sessions.begin(&gone, ("east", &Said::default()), clock()).unwrap().0;
    let (asks, _) = (begin(), begin());
    let cookie = format!("{SESSION_COOKIE}={asks}");
    let own = [("cookie", cookie.as_str()), (ASKED_HEADER, "1")];
    assert_eq!(stage.credential(&own).await.0, StatusCode::FORBIDDEN);
    assert_eq!(stage.credential(&own).await.0, StatusCode::UNAUTHORIZED, "both of that reader ended");
    begin();
    assert_eq!(stage.desk.sweep().await, 1);
    assert_eq!(stage.desk.sweep().await, 0);
    for cookie in [teacher, admin] {
        assert_eq!(
            stage.ask("GET", "/identity/me", &[("cookie", &cookie)], String::new()).await.0,
            StatusCode::OK
        );
    }
    // A vault that is in use ends nobody's.
    let busy = Staff { reader: "busy-1".into(), ..gone.clone() };
    stage.desk.sessions.begin(&busy, ("east", &Said::default()), clock()).unwrap();
    begin();
    assert_eq!(stage.desk.sweep().await, 0);
}

/// Serves a directory for a client that others wrote: where it is and the token go into the file that `AULA_SCIM` names, and it is served
/// until that file is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "serves until it is told to end: scripts/scim-peers.sh"]
async fn serves_a_directory_for_a_peer() {
    let told = std::path::PathBuf::from(std::env::var_os("AULA_SCIM").expect("AULA_SCIM names a file"));
    let folder = tempfile::tempdir().unwrap();
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let tokens = Tokens::open(&folder.path().join("tokens.json")).unwrap();
    let (token, _) = tokens.make(("head-1", "admin"), ("a peer", &[Scope::Scim], 1), clock()).unwrap();
    let directory = Directory::open(&folder.path().join("directory.jsonl")).unwrap();
    let terms = Terms { session: Lifetime { whole_ms: 600_000, idle_ms: 600_000 }, credential_ms: 900_000 };
    let registered = Registered { providers: Vec::new(), directory: kept(true) };
    let desk = Desk::new(&url, registered, (tokens, directory, Arc::new(Roster)), (terms, clock)).unwrap();
    tokio::spawn(axum::serve(socket, router(Arc::new(desk))).into_future());
    std::fs::write(&told, format!("{url}{AT} {token}\n")).unwrap();
    while told.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
