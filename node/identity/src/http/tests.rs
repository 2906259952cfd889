//! The routes as a browser and a program meet them: with a SAML provider that the library plays, since that needs no network.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::Request;
use saml_rs::template::{LOGIN_RESPONSE_TEMPLATE, LoginResponseTemplate};
use saml_rs::{
    AuthnRequest, BrowserInput, CertificatePem, Credentials, EntityId, Idp, IdpConfig, IdpValidationPolicy,
    MetadataTrustPolicy, NameId, PrivateKeyPem, ReplayPolicy, RespondSso, Saml, SamlValidationContext,
    SpDescriptor, SsoEndpoint, Subject, TemplatePolicy,
};
use tower_service::Service;

use super::*;
use crate::directory::Rule;
use crate::settings::SamlIdp;

mod pair;
mod scim;
mod slow;

const IDP: &str = "https://idp.example/metadata";
/// What is added to the clock.
static AHEAD: AtomicU64 = AtomicU64::new(0);

fn clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap() + AHEAD.load(Ordering::Relaxed)
}

/// t-1042 teaches m1, c-7 is at a school, nobody else is listed; gone-1 was.
struct Roster;

impl Office for Roster {
    fn standing(&self, reader: &str) -> Result<Standing, Unavailable> {
        let sections = if reader == "t-1042" { vec!["m1".to_owned()] } else { Vec::new() };
        match reader {
            "busy-1" => Err(Unavailable),
            _ => Ok(Standing { sections, listed: ["t-1042", "c-7"].contains(&reader) }),
        }
    }

    fn credential(&self, role: &str, reader: &str, until_ms: u64) -> Result<String, Unavailable> {
        Ok(format!("signed vault-{role}-{reader} {until_ms}"))
    }
}

/// What the provider says beside the name.
fn said(groups: &str) -> TemplatePolicy {
    let statement = format!(
        "<saml:AttributeStatement><saml:Attribute Name=\"groups\"><saml:AttributeValue>{groups}</saml:AttributeValue>\
         </saml:Attribute></saml:AttributeStatement>"
    );
    let context = LOGIN_RESPONSE_TEMPLATE.replace("{AttributeStatement}", &statement);
    let login_response_template =
        Some(LoginResponseTemplate { context: Some(context), attributes: Vec::new() });
    TemplatePolicy { login_response_template, ..TemplatePolicy::default() }
}

fn idp(groups: &str) -> Saml<Idp> {
    let credentials = Credentials {
        signing_key: Some(PrivateKeyPem::new(include_str!("../../tests/keys/idp.key"))),
        signing_certificate: Some(CertificatePem::new(include_str!("../../tests/keys/idp.crt"))),
        ..Credentials::default()
    };
    let config = IdpConfig::builder(EntityId::try_new(IDP).unwrap())
        .sso_endpoint(SsoEndpoint::redirect("https://idp.example/sso").unwrap())
        .credentials(credentials)
        .validation(IdpValidationPolicy::recommended())
        .templates(said(groups))
        .build()
        .unwrap();
    Saml::idp(config).unwrap()
}

fn map() -> Mapping {
    toml::from_str(
        "reader = \"NameID\"\nrole = [{claim=\"groups\",value=\"heads\",role=\"admin\"},{claim=\"groups\",value=\"teachers\",role=\"teacher\"}]",
    )
    .unwrap()
}

fn provider(name: &str, map: Mapping) -> Provider {
    let saml = SamlIdp { entity_id: IDP.into(), metadata: idp("").metadata_xml().to_owned(), signing: None };
    Provider { name: name.into(), map, protocol: Protocol::Saml(saml) }
}

struct Stage {
    router: Router,
    desk: Arc<Desk>,
    folder: tempfile::TempDir,
}

/// An answer: status, cookies set, body.
type Answer = (StatusCode, Vec<String>, Value);

impl Stage {
    fn new() -> Self {
        Self::with(map())
    }

    fn with(map: Mapping) -> Self {
        Self::keeping(map, None)
    }

    fn keeping(map: Mapping, directory: Option<Rule>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(&folder.path().join("tokens.json")).unwrap();
        let kept = Directory::open(&folder.path().join("directory.jsonl")).unwrap();
        Self::of((tokens, kept), (map, directory), folder, |desk| desk)
    }

    /// A desk over these files, made ready by `with`.
    fn of(
        (tokens, kept): (Tokens, Directory),
        (map, directory): (Mapping, Option<Rule>),
        folder: tempfile::TempDir,
        with: impl FnOnce(Desk) -> Desk,
    ) -> Self {
        let session = Lifetime { whole_ms: 8 * 3_600_000, idle_ms: 1_800_000 };
        let terms = Terms { session, credential_ms: 900_000 };
        let desk = Desk::new(
            "https://aula.example/",
            Registered { providers: vec![provider("east", map)], directory },
            (tokens, kept, Arc::new(Roster)),
            (terms, clock),
        );
        let desk = Arc::new(with(desk.unwrap()));
        Self { router: router(desk.clone()), desk, folder }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if path.starts_with("/identity/saml/") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().call(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status();
        let set =
            response.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned());
        let mut set: Vec<String> = set.collect();
        set.extend(response.headers().get(LOCATION).map(|value| value.to_str().unwrap().to_owned()));
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, set, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// The provider's answer to a login that begins now: the browser's cookie, and the form.
    async fn answered(&self, name: &str, groups: &str) -> (String, String) {
        let (status, set, _) = self.ask("GET", "/identity/login/east", &[], String::new()).await;
        assert_eq!(status, StatusCode::FOUND);
        let cookie = set[0].split(';').next().unwrap().to_owned();
        let query = set[1].split_once('?').unwrap().1.to_owned();
        let (_, _, _) = self.ask("GET", "/identity/saml/east/metadata", &[], String::new()).await;
        let ready = self.desk.provider("east").unwrap();
        let Client::Saml(client) = &ready.client else { panic!("saml") };
        let trust = MetadataTrustPolicy::UnsignedForCompatibility;
        let sp = SpDescriptor::from_metadata_xml(client.metadata(), trust).unwrap();
        let now = || {
            SamlValidationContext::new(std::time::SystemTime::now(), ReplayPolicy::DisabledForCompatibility)
        };
        let idp = idp(groups);
        let received = idp.receive_sso(&sp, BrowserInput::<AuthnRequest>::redirect(query), now()).unwrap();
        let subject = Subject::new(NameId::new(name, None), Vec::new());
        let response = idp.respond_sso(&sp, &received, subject, RespondSso::post()).unwrap();
        let form = response.post_form().unwrap();
        let mut body = openidconnect::url::form_urlencoded::Serializer::new(String::new());
        for field in form.fields() {
            body.append_pair(field.name(), field.value());
        }
        (cookie, body.finish())
    }

    async fn login(&self, name: &str, groups: &str) -> Answer {
        let (cookie, body) = self.answered(name, groups).await;
        self.ask("POST", "/identity/saml/east", &[("cookie", &cookie)], body).await
    }

    /// The session's cookie of a login that succeeds.
    async fn session(&self, name: &str, groups: &str) -> String {
        let (status, set, body) = self.login(name, groups).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let own = set.iter().find(|cookie| cookie.starts_with(SESSION_COOKIE)).unwrap();
        for word in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
            assert!(own.contains(word), "{own}");
        }
        own.split(';').next().unwrap().to_owned()
    }

    async fn credential(&self, headers: &[(&str, &str)]) -> Answer {
        self.ask("POST", "/identity/credential", headers, String::new()).await
    }
}

#[tokio::test]
async fn a_login_opens_a_session_that_is_exchanged_for_short_credentials() {
    let stage = Stage::new();
    let cookie = stage.session("t-1042", "teachers").await;
    let (_, _, me) = stage.ask("GET", "/identity/me", &[("cookie", &cookie)], String::new()).await;
    assert_eq!(
        (&me["reader"], &me["role"], &me["sections"][0]),
        (&json!("t-1042"), &json!("teacher"), &json!("m1"))
    );
    // Another site's form sends no such header.
    assert_eq!(stage.credential(&[("cookie", &cookie)]).await.0, StatusCode::FORBIDDEN);
    let own = [("cookie", cookie.as_str()), (ASKED_HEADER, "1")];
    let (status, _, given) = stage.credential(&own).await;
    assert_eq!(status, StatusCode::OK);
    assert!(given["credential"].as_str().unwrap().starts_with("signed vault-teacher-t-1042 "));
    assert!(given["until_ms"].as_u64().unwrap() <= clock() + 900_000);
    assert_eq!(stage.ask("POST", "/identity/logout", &own, String::new()).await.0, StatusCode::OK);
    assert_eq!(stage.credential(&own).await.0, StatusCode::UNAUTHORIZED, "ended");
    assert_eq!(stage.credential(&[]).await.0, StatusCode::UNAUTHORIZED);
    let guessed = format!("{SESSION_COOKIE}=guessed");
    assert_eq!(
        stage.credential(&[("cookie", &guessed), (ASKED_HEADER, "1")]).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_login_is_its_browser_s_its_provider_s_and_taken_once() {
    let stage = Stage::new();
    let (cookie, body) = stage.answered("t-1042", "teachers").await;
    let at = &stage;
    let post = |cookie: String, body: String| async move {
        at.ask("POST", "/identity/saml/east", &[("cookie", &cookie)], body).await.0
    };
    assert_eq!(post(cookie.clone(), body.clone()).await, StatusCode::OK);
    assert_eq!(post(cookie, body).await, StatusCode::BAD_REQUEST, "taken");
    let (_, body) = stage.answered("t-1042", "teachers").await;
    let (other, _) = stage.answered("t-1042", "teachers").await;
    assert_eq!(post(other.clone(), body.clone()).await, StatusCode::FORBIDDEN, "another browser's");
    assert_eq!(post(other, body).await, StatusCode::BAD_REQUEST, "a failed one is over too");
    let (cookie, body) = stage.answered("t-1042", "teachers").await;
    let (status, ..) = stage.ask("POST", "/identity/saml/west", &[("cookie", &cookie)], body.clone()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let twice = format!("{body}&RelayState=x");
    assert_eq!(post(cookie, twice).await, StatusCode::BAD_REQUEST, "a field twice");
    assert_eq!(stage.ask("GET", "/identity/login/west", &[], String::new()).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_is_not_on_the_roster_or_has_no_role_is_not_let_in() {
    let stage = Stage::new();
    for (name, groups) in
        [("t-1042", "janitors"), ("gone-1", "teachers"), ("T 1", "teachers"), ("t-1042", "heads2")]
    {
        assert_eq!(stage.login(name, groups).await.0, StatusCode::FORBIDDEN, "{name} {groups}");
    }
    assert_eq!(stage.login("busy-1", "teachers").await.0, StatusCode::SERVICE_UNAVAILABLE);
    // An admin's relation is the office: on no roster.
    stage.session("head-1", "heads").await;
    let sections = Mapping { sections: Some("classes".into()), ..map() };
    assert_eq!(
        Stage::with(sections).login("t-1042", "teachers").await.0,
        StatusCode::FORBIDDEN,
        "no section is named"
    );
    let own = Mapping { sections: Some("groups".into()), ..map() };
    let own = Mapping {
        role: vec![crate::mapping::RoleRule {
            claim: "groups".into(),
            value: "m1".into(),
            role: "teacher".into(),
        }],
        ..own
    };
    Stage::with(own).session("t-1042", "m1").await;
}

#[tokio::test]
async fn a_token_opens_its_scopes_until_it_is_revoked() {
    let stage = Stage::new();
    let cookie = stage.session("t-1042", "teachers").await;
    let own = [("cookie", cookie.as_str()), (ASKED_HEADER, "1")];
    let make = |scopes: &str| format!("{{\"name\":\"gradebook\",\"scopes\":{scopes},\"days\":30}}");
    let (status, _, made) = stage.ask("POST", "/identity/tokens", &own, make("[\"vault\"]")).await;
    assert_eq!(status, StatusCode::CREATED);
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let (status, _, given) = stage.credential(&[("authorization", &bearer)]).await;
    assert_eq!(
        (status, given["credential"].as_str().unwrap().starts_with("signed vault-teacher-t-1042")),
        (StatusCode::OK, true)
    );
    // It neither says whose it is nor makes another, nor ends a session.
    for (method, path) in [
        ("GET", "/identity/me"),
        ("POST", "/identity/tokens"),
        ("GET", "/identity/tokens"),
        ("GET", "/identity/sessions"),
        ("POST", "/identity/logout"),
    ] {
        let (status, ..) = stage.ask(method, path, &[("authorization", &bearer)], make("[\"me\"]")).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    let (_, _, other) = stage.ask("POST", "/identity/tokens", &own, make("[\"me\"]")).await;
    let me = format!("Bearer {}", other["token"].as_str().unwrap());
    assert_eq!(
        stage.ask("GET", "/identity/me", &[("authorization", &me)], String::new()).await.0,
        StatusCode::OK
    );
    assert_eq!(stage.credential(&[("authorization", &me)]).await.0, StatusCode::FORBIDDEN);
    let (_, _, listed) = stage.ask("GET", "/identity/tokens", &own, String::new()).await;
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains("sha256"), "no digest is listed");
    let path = format!("/identity/tokens/{}", made["listed"]["id"].as_str().unwrap());
    // Another reader neither sees nor revokes it; an admin does both.
    let counselor = stage.session("c-7", "teachers").await;
    let theirs = [("cookie", counselor.as_str()), (ASKED_HEADER, "1")];
    assert_eq!(stage.ask("DELETE", &path, &theirs, String::new()).await.0, StatusCode::NOT_FOUND);
    let admin = stage.session("head-1", "heads").await;
    let office = [("cookie", admin.as_str()), (ASKED_HEADER, "1")];
    assert_eq!(stage.ask("DELETE", &path, &office, String::new()).await.0, StatusCode::OK);
    assert_eq!(stage.credential(&[("authorization", &bearer)]).await.0, StatusCode::UNAUTHORIZED, "revoked");
    for (body, status) in [
        ("{}", 400),
        ("{\"name\":\"a\",\"scopes\":[\"root\"],\"days\":1}", 400),
        ("{\"name\":\"a\",\"scopes\":[\"me\"],\"days\":999}", 400),
    ] {
        assert_eq!(
            stage.ask("POST", "/identity/tokens", &own, body.into()).await.0.as_u16(),
            status,
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_admin_sees_and_ends_sessions_and_nobody_else_does() {
    let stage = Stage::new();
    let teacher = stage.session("t-1042", "teachers").await;
    let own = [("cookie", teacher.as_str()), (ASKED_HEADER, "1")];
    assert_eq!(stage.ask("GET", "/identity/sessions", &own, String::new()).await.0, StatusCode::FORBIDDEN);
    let admin = stage.session("head-1", "heads").await;
    let office = [("cookie", admin.as_str()), (ASKED_HEADER, "1")];
    let (_, _, listed) = stage.ask("GET", "/identity/sessions", &office, String::new()).await;
    let id =
        listed["sessions"].as_array().unwrap().iter().find(|one| one["reader"] == "t-1042").unwrap()["id"]
            .clone();
    let path = format!("/identity/sessions/{}", id.as_str().unwrap());
    assert_eq!(stage.ask("DELETE", &path, &own, String::new()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(stage.ask("DELETE", &path, &office, String::new()).await.0, StatusCode::OK);
    assert_eq!(stage.credential(&own).await.0, StatusCode::UNAUTHORIZED);
    // A provider that is taken away ends what it began.
    stage.desk.set_providers(Registered { providers: Vec::new(), directory: None }).unwrap();
    assert_eq!(
        stage.ask("GET", "/identity/sessions", &office, String::new()).await.0,
        StatusCode::UNAUTHORIZED
    );
}

/// Two districts' desks: whatever one of them issued, on every route of the other that is not open to everybody.
#[tokio::test]
async fn nothing_that_one_district_issued_opens_anything_of_another() {
    let (east, west) = (Stage::new(), Stage::new());
    let admin = east.session("head-1", "heads").await;
    let own = [("cookie", admin.as_str()), (ASKED_HEADER, "1")];
    let wanted = "{\"name\":\"all\",\"scopes\":[\"me\",\"vault\"],\"days\":1}";
    let (_, _, made) = east.ask("POST", "/identity/tokens", &own, wanted.into()).await;
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let token = format!("/identity/tokens/{}", made["listed"]["id"].as_str().unwrap());
    let (_, _, listed) = east.ask("GET", "/identity/sessions", &own, String::new()).await;
    let session = format!("/identity/sessions/{}", listed["sessions"][0]["id"].as_str().unwrap());
    let (begun, answer) = east.answered("t-1042", "teachers").await;
    let routes = [
        ("GET", "/identity/me"),
        ("POST", "/identity/credential"),
        ("POST", "/identity/logout"),
        ("GET", "/identity/tokens"),
        ("POST", "/identity/tokens"),
        ("DELETE", token.as_str()),
        ("GET", "/identity/sessions"),
        ("DELETE", session.as_str()),
        ("POST", "/identity/saml/east"),
        ("GET", "/identity/oidc/east"),
    ];
    let shown: [&[(&str, &str)]; 5] = [
        &own,
        &[("authorization", bearer.as_str())],
        &[("authorization", bearer.as_str()), ("cookie", admin.as_str()), (ASKED_HEADER, "1")],
        &[("cookie", begun.as_str()), (ASKED_HEADER, "1")],
        &[],
    ];
    for (method, path) in routes {
        for headers in shown {
            let body = if path.contains("/saml/") { answer.clone() } else { wanted.to_owned() };
            let (status, set, body) = west.ask(method, path, headers, body).await;
            assert!(
                status.is_client_error() && set.is_empty(),
                "{method} {path} {headers:?}: {status} {body}"
            );
        }
    }
    // At home all of it goes on.
    assert_eq!(east.credential(&[("authorization", &bearer)]).await.0, StatusCode::OK);
    let (status, ..) = east.ask("POST", "/identity/saml/east", &[("cookie", &begun)], answer).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_who_goes_away_keeps_the_place_until_the_work_is_done() {
    use std::sync::atomic::AtomicBool;
    let stage = Stage::new();
    let (begun, slow) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
    let work = {
        let (begun, slow) = (begun.clone(), slow.clone());
        move || async move {
            let wait = move || {
                begun.store(true, Ordering::SeqCst);
                while slow.load(Ordering::SeqCst) {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
            };
            tokio::task::spawn_blocking(wait).await.unwrap();
        }
    };
    let layer = middleware::from_fn_with_state(stage.desk.clone(), placed);
    let mut router: Router = Router::new().route("/slow", get(work)).layer(layer);
    let request = Request::builder().uri("/slow").body(Body::empty()).unwrap();
    let asked = tokio::spawn(router.call(request));
    let nap = || tokio::time::sleep(std::time::Duration::from_millis(5));
    while !begun.load(Ordering::SeqCst) {
        nap().await;
    }
    asked.abort();
    assert!(asked.await.is_err());
    for _ in 0..50 {
        assert_eq!(stage.desk.places.available_permits(), MAX_REQUESTS - 1);
        nap().await;
    }
    slow.store(false, Ordering::SeqCst);
    while stage.desk.places.available_permits() < MAX_REQUESTS {
        nap().await;
    }
}
