//! The tool over a real socket, against a platform of this file: good launches, and those of forgers, thieves and the late.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Query;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::records::{SectionFacts, StudentFacts};

type Tested = Result<(), Box<dyn std::error::Error>>;

const LTI: &str = "https://purl.imsglobal.org/spec/lti/claim/";
static NOW_MS: AtomicU64 = AtomicU64::new(1_772_443_800_000);

fn now() -> u64 {
    NOW_MS.load(Ordering::SeqCst)
}

/// A vault that answers at once, or one that keeps whoever asks for facts waiting.
#[derive(Default)]
struct Known {
    slow: std::sync::atomic::AtomicBool,
    waiting: AtomicU64,
}

impl Records for Known {
    fn is_student(&self, id: &str) -> Result<bool, NotTold> {
        Ok(id == "S-17")
    }

    fn student(&self, _: &str, id: &str) -> Result<StudentFacts, NotTold> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while self.slow.load(Ordering::SeqCst) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let events = vec![("response".to_owned(), 7)];
        let facts = StudentFacts { events, newest_ms: Some(now()), practised: 4, mastered: 3 };
        if id == "S-17" { Ok(facts) } else { Err(NotTold::Unknown) }
    }

    fn sections(&self, reader: &str) -> Result<Vec<SectionFacts>, NotTold> {
        let own = SectionFacts { section: "4-b".into(), students: vec!["S-17".into(), "S-18".into()] };
        Ok(if reader == "t-1" { vec![own] } else { Vec::new() })
    }
}

/// A platform: its keys, and what it was sent.
struct Lms {
    url: String,
    keys: Mutex<Keys>,
    scores: Mutex<Vec<(String, Value)>>,
    tokens: Mutex<Vec<String>>,
    fetched: AtomicU64,
}

async fn lms_served(folder: &std::path::Path) -> Result<Arc<Lms>, Box<dyn std::error::Error>> {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let lms = Arc::new(Lms {
        url: format!("http://{}", socket.local_addr()?),
        keys: Mutex::new(Keys::open(folder, now())?),
        scores: Mutex::default(),
        tokens: Mutex::default(),
        fetched: AtomicU64::new(0),
    });
    let members = |State(lms): State<Arc<Lms>>, Query(asked): Query<HashMap<String, String>>| async move {
        let member =
            |id: &str, status: &str| json!({ "user_id": id, "status": status, "lis_person_sourcedid": id });
        match asked.get("page").map(String::as_str) {
            None => {
                let next = format!(
                    "<{0}/members?page=9>; rel=\"last\", <{0}/members?page=2>; rel=\"next\"",
                    lms.url
                );
                ([("link", next)], json!({ "members": [member("S-17", "Active")] }).to_string())
            }
            Some("evil") => (
                [("link", "<http://127.0.0.1:1/members>; rel=next".to_owned())],
                json!({ "members": [] }).to_string(),
            ),
            Some(_) => {
                let all = json!({ "members": [member("S-18", "Inactive"), member("S-99", "Active")] });
                ([("link", String::new())], all.to_string())
            }
        }
    };
    let jwks = |State(lms): State<Arc<Lms>>| async move {
        lms.fetched.fetch_add(1, Ordering::SeqCst);
        held(&lms.keys).published().to_string()
    };
    let token = |State(lms): State<Arc<Lms>>, body: String| async move {
        held(&lms.tokens).push(body);
        json!({ "access_token": "t", "expires_in": 3600 }).to_string()
    };
    let scores = |State(lms): State<Arc<Lms>>, uri: axum::http::Uri, body: String| async move {
        held(&lms.scores).push((uri.to_string(), serde_json::from_str(&body).unwrap_or_default()));
    };
    let routes = Router::new()
        .route("/jwks", get(jwks))
        .route("/token", post(token))
        .route("/members", get(members))
        .route("/line/1/scores", post(scores))
        .with_state(lms.clone());
    tokio::spawn(axum::serve(socket, routes).into_future());
    Ok(lms)
}

struct World {
    _root: tempfile::TempDir,
    known: Arc<Known>,
    lms: Arc<Lms>,
    url: String,
    client: reqwest::Client,
}

/// Says whose dashboard it would be.
struct Boards;

impl crate::records::Dashboards for Boards {
    fn open(&self, opening: crate::records::Opening, _: axum::http::HeaderMap) -> crate::records::Page {
        Box::pin(async move {
            let crate::records::Opening { platform, student, framed_by, until_ms } = opening;
            let text =
                format!("{student} by {platform} until {} in {}", until_ms - now(), framed_by.join(" "));
            axum::response::IntoResponse::into_response(text)
        })
    }
}

impl World {
    async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        Self::with(|tool| tool).await
    }

    async fn with(made: impl FnOnce(Tool) -> Tool) -> Result<Self, Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let lms = lms_served(&root.path().join("lms")).await?;
        let platform = crate::platform::read(&format!(
            "[[platform]]\nname = 'lms'\nissuer = 'https://lms.example.org'\nclient_id = 'c1'\ndeployments = ['1']\n\
             auth_url = '{0}/auth'\ntoken_url = '{0}/token'\njwks_url = '{0}/jwks'\nsend_progress = true\n",
            lms.url
        ))?;
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", socket.local_addr()?);
        let keys = Keys::open(&root.path().join("keys"), now())?;
        let known = Arc::new(Known::default());
        let tool = Tool::new(&url, platform, (keys, Services::new()?), (known.clone(), now));
        tokio::spawn(axum::serve(socket, router(Arc::new(made(tool)))).into_future());
        let none = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(none).build()?;
        Ok(Self { _root: root, known, lms, url, client })
    }

    /// Begins a login; gives state, nonce and cookie.
    async fn login(&self, more: &str) -> Result<(String, String, String), Box<dyn std::error::Error>> {
        let asked = format!(
            "iss=https%3A%2F%2Flms.example.org&login_hint=h&client_id=c1&target_link_uri={}%2Flti%2Flaunch{more}",
            encoded(&self.url)
        );
        let response = self.client.get(format!("{}/lti/login?{asked}", self.url)).send().await?;
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (kept, next) = (header("set-cookie"), header("location"));
        let attributes = ["HttpOnly", "Secure", "SameSite=None", "Partitioned"];
        assert!(attributes.iter().all(|one| kept.contains(one)), "{kept}");
        let text = if next.is_empty() { response.text().await?.replace("&amp;", "&") } else { next };
        let part = |name: &str| {
            let behind = text.split_once(&format!("{name}=")).map(|(_, behind)| behind).unwrap_or_default();
            behind.split(['&', '"']).next().unwrap_or_default().to_owned()
        };
        let cookie = kept.split(';').next().unwrap_or_default().to_owned();
        Ok((part("&state"), part("&nonce"), cookie))
    }

    fn claims(&self, nonce: &str) -> Value {
        let now_s = now() / 1_000;
        json!({
            "iss": "https://lms.example.org", "aud": "c1", "sub": "user-5", "exp": now_s + 300, "iat": now_s, "nonce": nonce,
            format!("{LTI}version"): "1.3.0", format!("{LTI}message_type"): "LtiResourceLinkRequest",
            format!("{LTI}deployment_id"): "1", format!("{LTI}target_link_uri"): format!("{}/lti/launch", self.url),
            format!("{LTI}resource_link"): { "id": "r1" },
            format!("{LTI}roles"): ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
            format!("{LTI}lis"): { "person_sourcedid": "S-17" },
            "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
                "scope": [SCORE_SCOPE], "lineitem": format!("{}/line/1?type=x", self.lms.url),
            },
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
                "context_memberships_url": format!("{}/members", self.lms.url),
            },
        })
    }

    fn signed(&self, claims: &Value) -> Result<String, crate::keys::KeysError> {
        held(&self.lms.keys).sign(claims)
    }

    async fn launch(
        &self,
        (state, cookie): (&str, &str),
        token: &str,
    ) -> Result<(u16, HeaderMap, String), Box<dyn std::error::Error>> {
        let request = self.client.post(format!("{}/lti/launch", self.url)).header("cookie", cookie);
        let response = request.form(&[("state", state), ("id_token", token)]).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok((status, headers, response.text().await?))
    }

    async fn me(&self, bearer: &str) -> Result<(u16, Value), Box<dyn std::error::Error>> {
        let response = self.client.get(format!("{}/lti/me", self.url)).bearer_auth(bearer).send().await?;
        Ok((response.status().as_u16(), serde_json::from_str(&response.text().await?)?))
    }
}

fn attribute<'a>(page: &'a str, name: &str) -> &'a str {
    let behind = page.split_once(&format!("{name}=\"")).map(|(_, behind)| behind).unwrap_or_default();
    behind.split('"').next().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_student_sees_the_own_facts_and_a_teacher_the_own_section() -> Tested {
    let world = World::new().await?;
    let (state, nonce, cookie) = world.login("").await?;
    let token = world.signed(&world.claims(&nonce))?;
    let (status, headers, page) = world.launch((&state, &cookie), &token).await?;
    assert_eq!(status, 200, "{page}");
    let policy =
        headers.get("content-security-policy").and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(
        policy.contains(&format!("frame-ancestors {} https://lms.example.org", world.lms.url)),
        "{policy}"
    );
    assert!(!policy.contains("unsafe") && headers.get("set-cookie").is_none());
    let bearer = attribute(&page, "data-bearer").to_owned();
    let (status, told) = world.me(&bearer).await?;
    assert_eq!((status, &told["student"]["mastered"]), (200, &json!(3)));
    // The progress went to the line of this link, with the scope that was granted.
    let scores = held(&world.lms.scores).clone();
    assert_eq!(scores[0].0, "/line/1/scores?type=x");
    assert_eq!((&scores[0].1["userId"], &scores[0].1["scoreGiven"]), (&json!("user-5"), &json!(3)));
    assert!(held(&world.lms.tokens)[0].contains("client_assertion="));
    // The same launch again, with another's bearer, and with none.
    let (status, _, page) = world.launch((&state, &cookie), &token).await?;
    assert!(status == 400 && page.contains("open the link again"), "a state opens once: {status} {page}");
    assert_eq!(world.me("wrong").await?.0, 401);
    // A teacher.
    let (state, nonce, cookie) = world.login("").await?;
    let mut claims = world.claims(&nonce);
    claims[format!("{LTI}roles")] = json!(["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]);
    claims[format!("{LTI}lis")] = json!({ "person_sourcedid": "t-1" });
    let (_, _, page) = world.launch((&state, &cookie), &world.signed(&claims)?).await?;
    let (_, told) = world.me(attribute(&page, "data-bearer")).await?;
    assert_eq!(told["sections"][0]["section"], "4-b");
    assert_eq!(told["sections"][0]["in_course"], 1, "two pages of the roster: one is there, one has left");
    // A deep link goes back to the platform, signed with the published key.
    let (state, nonce, cookie) = world.login("").await?;
    let mut claims = world.claims(&nonce);
    claims[format!("{LTI}roles")] = json!(["Instructor"]);
    claims[format!("{LTI}message_type")] = json!("LtiDeepLinkingRequest");
    claims["https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"] = json!({
        "accept_types": ["link", "ltiResourceLink"], "deep_link_return_url": format!("{}/return", world.lms.url), "data": "d\"1",
    });
    let (status, headers, page) = world.launch((&state, &cookie), &world.signed(&claims)?).await?;
    assert_eq!(status, 200, "{page}");
    let policy =
        headers.get("content-security-policy").and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(policy.contains(&format!("form-action {}", world.lms.url)), "{policy}");
    let set = world.client.get(format!("{}/lti/jwks.json", world.url)).send().await?.text().await?;
    let answer = Token::split(attribute(&page, "name=\"JWT\" value"))?;
    let answer = answer.verified(&jwt::keys(set.as_bytes())?)?.clone();
    assert_eq!(answer["https://purl.imsglobal.org/spec/lti-dl/claim/data"], "d\"1");
    assert_eq!((&answer["iss"], &answer["aud"][0]), (&json!("c1"), &json!("https://lms.example.org")));
    assert!(!set.contains("\"d\""), "no private part is published");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_student_opens_the_own_dashboard_with_and_without_cookies_and_a_teacher_does_not() -> Tested {
    let world = World::with(|tool| tool.with_dashboards(Arc::new(Boards))).await?;
    let own = format!("S-17 by lms until 3600000 in {} https://lms.example.org", world.lms.url);
    let (state, nonce, cookie) = world.login("").await?;
    let (status, headers, page) =
        world.launch((&state, &cookie), &world.signed(&world.claims(&nonce))?).await?;
    assert_eq!((status, &page), (200, &own));
    assert!(headers.get("set-cookie").is_none());
    assert_eq!(held(&world.lms.scores).len(), 1, "progress goes all the same");
    // In a frame without cookies the bearer comes back in a form.
    let (state, nonce, cookie) = world.login("&lti_storage_target=_parent").await?;
    let (_, headers, _) = world.launch((&state, ""), &world.signed(&world.claims(&nonce))?).await?;
    let policy =
        headers.get("content-security-policy").and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(policy.contains("form-action 'self'"), "{policy}");
    let secret = cookie.split_once('=').map(|(_, secret)| secret).unwrap_or_default();
    let body = json!({ "state": state, "browser": secret }).to_string();
    let told =
        world.client.post(format!("{}/lti/confirm", world.url)).body(body).send().await?.text().await?;
    let told: Value = serde_json::from_str(&told)?;
    assert_eq!(told["dashboard"], true);
    let open = |bearer: String| {
        let request = world.client.post(format!("{}/lti/dashboard", world.url)).form(&[("bearer", bearer)]);
        async move {
            let answer = request.send().await?;
            Ok::<_, reqwest::Error>((answer.status().as_u16(), answer))
        }
    };
    let (status, answer) = open(told["bearer"].as_str().unwrap_or_default().to_owned()).await?;
    assert_eq!((status, answer.text().await?), (200, own));
    assert_eq!(open("wrong".into()).await?.0, 401);
    let (state, nonce, cookie) = world.login("").await?;
    let mut claims = world.claims(&nonce);
    claims[format!("{LTI}roles")] = json!(["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]);
    claims[format!("{LTI}lis")] = json!({ "person_sourcedid": "t-1" });
    let (_, _, page) = world.launch((&state, &cookie), &world.signed(&claims)?).await?;
    let bearer = attribute(&page, "data-bearer").to_owned();
    assert_eq!(world.me(&bearer).await?.0, 200, "a teacher sees sections");
    assert_eq!(open(bearer).await?.0, 401);
    Ok(())
}

/// How much later than for the platform it is for one tool.
static LATER_MS: AtomicU64 = AtomicU64::new(0);

fn later() -> u64 {
    now() + LATER_MS.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_page_opened_late_in_a_session_ends_with_it() -> Tested {
    let world = World::with(|tool| Tool { clock: later, ..tool.with_dashboards(Arc::new(Boards)) }).await?;
    let (state, nonce, cookie) = world.login("&lti_storage_target=_parent").await?;
    world.launch((&state, ""), &world.signed(&world.claims(&nonce))?).await?;
    let secret = cookie.split_once('=').map(|(_, secret)| secret).unwrap_or_default();
    let body = json!({ "state": state, "browser": secret }).to_string();
    let told =
        world.client.post(format!("{}/lti/confirm", world.url)).body(body).send().await?.text().await?;
    let told: Value = serde_json::from_str(&told)?;
    let bearer = told["bearer"].as_str().unwrap_or_default().to_owned();
    let open =
        || world.client.post(format!("{}/lti/dashboard", world.url)).form(&[("bearer", &bearer)]).send();
    // Five minutes before the end it is open for five minutes.
    LATER_MS.store(55 * 60_000, Ordering::SeqCst);
    let page = open().await?.text().await?;
    assert!(page.starts_with("S-17 by lms until 3600000 in"), "{page}");
    LATER_MS.store(60 * 60_000, Ordering::SeqCst);
    assert_eq!(open().await?.status(), 401);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_who_goes_away_keeps_the_place_until_the_vault_has_answered() -> Tested {
    // Two places, so that two readers fill them.
    let few = |tool| Tool { places: Arc::new(tokio::sync::Semaphore::new(2)), ..tool };
    let world = World::with(few).await?;
    let (state, nonce, cookie) = world.login("").await?;
    let mut claims = world.claims(&nonce);
    claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"] = Value::Null;
    let (_, _, page) = world.launch((&state, &cookie), &world.signed(&claims)?).await?;
    let bearer = attribute(&page, "data-bearer").to_owned();
    world.known.slow.store(true, Ordering::SeqCst);
    let ask = || world.client.get(format!("{}/lti/me", world.url)).bearer_auth(&bearer).send();
    let asked: Vec<_> = (0..2).map(|_| tokio::spawn(ask())).collect();
    while world.known.waiting.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for one in asked {
        one.abort();
        let _ = one.await;
    }
    for _ in 0..50 {
        // One that got a place would wait.
        let Ok(answer) = tokio::time::timeout(std::time::Duration::from_secs(30), ask()).await else {
            world.known.slow.store(false, Ordering::SeqCst);
            return Err("a place was free".into());
        };
        assert_eq!(answer?.status(), 503);
        assert_eq!(world.known.waiting.load(Ordering::SeqCst), 2);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    world.known.slow.store(false, Ordering::SeqCst);
    while ask().await?.status() != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_without_cookies_is_known_by_the_platforms_storage() -> Tested {
    let world = World::new().await?;
    let more = "&lti_storage_target=post_message_forwarding";
    let (state, nonce, cookie) = world.login(more).await?;
    let token = world.signed(&world.claims(&nonce))?;
    let (status, _, page) = world.launch((&state, ""), &token).await?;
    assert!(status == 200 && attribute(&page, "data-bearer").is_empty(), "{page}");
    assert_eq!(attribute(&page, "data-origin"), world.lms.url);
    let confirm = |state: String, browser: String| {
        let body = json!({ "state": state, "browser": browser }).to_string();
        let request = world.client.post(format!("{}/lti/confirm", world.url)).body(body);
        async move { request.send().await?.text().await }
    };
    let secret = cookie.split_once('=').map(|(_, secret)| secret.to_owned()).unwrap_or_default();
    let told: Value = serde_json::from_str(&confirm(state.clone(), secret.clone()).await?)?;
    assert_eq!(world.me(told["bearer"].as_str().unwrap_or_default()).await?.0, 200);
    assert!(confirm(state, secret).await?.contains("did not begin"), "once");
    // Another's browser ends it: what was waiting is gone.
    let (state, nonce, cookie) = world.login(more).await?;
    world.launch((&state, ""), &world.signed(&world.claims(&nonce))?).await?;
    assert!(confirm(state.clone(), "thief".into()).await?.contains("did not begin"));
    let secret = cookie.split_once('=').map(|(_, secret)| secret.to_owned()).unwrap_or_default();
    assert!(confirm(state, secret).await?.contains("did not begin"));
    // Without storage and without the cookie nothing opens.
    let (state, nonce, _) = world.login("").await?;
    let (status, ..) = world.launch((&state, "aula_lti_x=y"), &world.signed(&world.claims(&nonce))?).await?;
    assert_eq!(status, 401);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_stale_and_strangers_launches_open_nothing() -> Tested {
    let world = World::new().await?;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let root = tempfile::tempdir()?;
    let others = Keys::open(&root.path().join("others"), now())?;
    type Forge<'a> = Box<dyn Fn(Value) -> Result<String, Box<dyn std::error::Error>> + 'a>;
    let with = |pointer: &'static str, to: Value| -> Forge<'_> {
        let world = &world;
        Box::new(move |mut claims: Value| {
            let name = pointer
                .strip_prefix("lti:")
                .map_or_else(|| pointer.to_owned(), |name| format!("{LTI}{name}"));
            match to {
                Value::Null => claims.as_object_mut().ok_or("claims")?.remove(&name).unwrap_or_default(),
                ref to => std::mem::replace(&mut claims[name.as_str()], to.clone()),
            };
            Ok(world.signed(&claims)?)
        })
    };
    let now_s = now() / 1_000;
    let forgeries: Vec<(Forge<'_>, u16, &str)> = vec![
        (
            Box::new(|claims| {
                Ok(format!("{}.{}.", part(json!({ "alg": "none", "kid": "1" })), part(claims)))
            }),
            401,
            "only RS256",
        ),
        (
            Box::new(|claims| {
                Ok(format!("{}.{}.AAAA", part(json!({ "alg": "HS256", "kid": "1" })), part(claims)))
            }),
            401,
            "only RS256",
        ),
        (
            Box::new(|claims| {
                Ok(format!(
                    "{}.{}.AAAA",
                    part(json!({ "alg": "RS256", "kid": "1", "crit": ["x"] })),
                    part(claims)
                ))
            }),
            401,
            "extension",
        ),
        (
            Box::new(|claims| Ok(format!("{}.{}.AAAA", part(json!({ "alg": "RS256" })), part(claims)))),
            401,
            "kid",
        ),
        // Another's key under the platform's name of a key.
        (Box::new(|claims| Ok(others.sign(&claims)?)), 401, "signature"),
        (Box::new(|claims| Ok(world.signed(&claims)?)), 200, "data-bearer"),
        (Box::new(|_| Ok("a.b.c".into())), 401, "not a signed token"),
        (Box::new(|_| Ok("x".repeat(jwt::MAX_TOKEN_BYTES + 1))), 401, "not a signed token"),
        (with("aud", json!("c2")), 401, "aud"),
        (with("aud", json!(["c1", "c2"])), 401, "aud"),
        (with("aud", json!(["c1"])), 200, "data-bearer"),
        (with("azp", json!("c2")), 401, "azp"),
        (with("iss", json!("https://evil.example.org")), 401, "iss"),
        (with("nonce", json!("another")), 401, "nonce"),
        (with("exp", json!(now_s - 120)), 401, "exp"),
        (with("exp", json!("never")), 401, "exp"),
        (with("exp", json!(1e300)), 401, "exp"),
        (with("iat", json!(now_s + 600)), 401, "iat"),
        (with("iat", json!(now_s - 3_600)), 401, "iat"),
        (with("lti:deployment_id", json!("2")), 401, "deployment_id"),
        (with("lti:version", json!("1.1")), 401, "version"),
        (with("lti:message_type", json!("LtiSubmissionReviewRequest")), 401, "message_type"),
        (with("lti:target_link_uri", json!("https://evil.example.org/lti/launch")), 401, "target_link_uri"),
        (with("lti:resource_link", json!({})), 401, "resource_link"),
        (with("lti:roles", json!("Learner")), 401, "roles"),
        (
            with(
                "lti:roles",
                json!(["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"]),
            ),
            403,
            "roster",
        ),
        (
            with("lti:roles", json!(["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"])),
            403,
            "roster",
        ),
        (with("lti:lis", json!({ "person_sourcedid": "S-99" })), 403, "roster"),
        (with("lti:lis", Value::Null), 403, "roster"),
        (with("lti:lis", json!({ "person_sourcedid": "$Person.sourcedId" })), 403, "roster"),
    ];
    for (at, (forge, wanted, told)) in forgeries.iter().enumerate() {
        let (state, nonce, cookie) = world.login("").await?;
        let (status, _, page) = world.launch((&state, &cookie), &forge(world.claims(&nonce))?).await?;
        assert!(status == *wanted && page.contains(told), "{at} {told}: {status} {page}");
        assert!(*wanted == 200 || attribute(&page, "data-bearer").is_empty());
    }
    // Tokens with unknown keys do not make the tool ask the platform again and again.
    assert!(world.lms.fetched.load(Ordering::SeqCst) <= 2);
    // A login that took too long, another login's state, and logins of strangers.
    let (state, nonce, cookie) = world.login("").await?;
    let (_, other, _) = world.login("").await?;
    assert_eq!(world.launch((&state, &cookie), &world.signed(&world.claims(&other))?).await?.0, 401);
    assert_eq!(world.launch(("unknown", &cookie), &world.signed(&world.claims(&nonce))?).await?.0, 400);
    for query in [
        "login_hint=h&target_link_uri=x",
        "iss=https%3A%2F%2Fevil.example.org&login_hint=h&target_link_uri=x",
        "iss=https%3A%2F%2Flms.example.org&login_hint=h&target_link_uri=https%3A%2F%2Fevil.example.org",
        "iss=https%3A%2F%2Flms.example.org&iss=x&login_hint=h&target_link_uri=x",
        "iss=%ff&login_hint=h&target_link_uri=x",
        "iss=https%3A%2F%2Flms.example.org&client_id=c9&login_hint=h&target_link_uri=x",
    ] {
        let response = world.client.get(format!("{}/lti/login?{query}", world.url)).send().await?;
        assert_eq!(response.status().as_u16(), 400, "{query}");
        assert!(!response.headers().contains_key("set-cookie"));
    }
    let huge = vec![("state", "x".repeat(MAX_FORM_BYTES)), ("id_token", String::new())];
    let response = world.client.post(format!("{}/lti/launch", world.url)).form(&huge).send().await?;
    assert_eq!(response.status().as_u16(), 413);
    Ok(())
}
