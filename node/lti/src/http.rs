//! The routes: `login`, `launch`, `confirm`, `me`, `jwks.json`, below `/lti`.
//!
//! | route | is |
//! |---|---|
//! | GET, POST `/lti/login` | a platform begins a login (OIDC third-party initiated) |
//! | POST `/lti/launch` | the signed launch |
//! | POST `/lti/confirm` | the browser shows what the platform stored for it |
//! | POST `/lti/dashboard` | a session's student opens the dashboard; the bearer in the form |
//! | GET `/lti/me` | what the session's user may see; Bearer |
//! | GET `/lti/jwks.json` | the tool's keys |

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use aula_foreign::form::{encoded, pairs};
use axum::Router;
use axum::extract::{DefaultBodyLimit, RawForm, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::claims::{self, Kind, Launch, Role};
use crate::jwt::{self, Key, Token};
use crate::keys::Keys;
use crate::logins::{Full, LOGIN_MS, Login, Logins};
use crate::page::{self, Frame};
use crate::platform::{Platform, origin};
use crate::records::{Dashboards, NotTold, Opening, Records, Subject, Who};
use crate::services::{Member, SCORE_SCOPE, Services, deep_link_claims};

mod forms;
#[cfg(test)]
mod tests;

use forms::{cookie, key_of};

/// Most bytes of a form: a token and a state.
const MAX_FORM_BYTES: usize = 128 << 10;
/// How long a platform's keys are kept.
const KEYS_MS: u64 = 3_600_000;
/// How soon they are asked for again when a token names an unknown one.
const KEYS_AGAIN_MS: u64 = 30_000;
/// Requests that are read or wait at once; more are told 503.
const MAX_REQUESTS: usize = 256;

/// Tells the time, milliseconds since 1970.
pub type Clock = fn() -> u64;

/// Everything that the routes share: platforms, keys, logins, what the district lets be seen.
pub struct Tool {
    url: String,
    platforms: RwLock<Vec<Platform>>,
    keys: Mutex<Keys>,
    logins: Logins,
    services: Services,
    published: Mutex<HashMap<String, (u64, Vec<Key>)>>,
    records: Arc<dyn Records>,
    dashboards: Option<Arc<dyn Dashboards>>,
    clock: Clock,
    places: Arc<tokio::sync::Semaphore>,
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tool").field("url", &self.url).finish_non_exhaustive()
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

type Refusal = (StatusCode, String);

fn bad(why: impl std::fmt::Display) -> Refusal {
    (StatusCode::BAD_REQUEST, why.to_string())
}

impl Tool {
    /// A tool that browsers reach at `url`, which has no slash at its end.
    pub fn new(
        url: &str,
        platforms: Vec<Platform>,
        (keys, services): (Keys, Services),
        (records, clock): (Arc<dyn Records>, Clock),
    ) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            platforms: RwLock::new(platforms),
            keys: Mutex::new(keys),
            logins: Logins::default(),
            services,
            published: Mutex::default(),
            records,
            dashboards: None,
            clock,
            places: Arc::new(tokio::sync::Semaphore::new(MAX_REQUESTS)),
        }
    }

    /// Opens dashboards for students, where without it they see counts.
    #[must_use]
    pub fn with_dashboards(self, dashboards: Arc<dyn Dashboards>) -> Self {
        Self { dashboards: Some(dashboards), ..self }
    }

    /// Takes other platforms from now on.
    pub fn set_platforms(&self, platforms: Vec<Platform>) {
        *self.platforms.write().unwrap_or_else(PoisonError::into_inner) = platforms;
    }

    /// Replaces keys that are due.
    ///
    /// # Errors
    /// Keys that cannot be written; they stay as they were.
    pub fn rotate(&self) -> Result<bool, crate::keys::KeysError> {
        held(&self.keys).rotate((self.clock)())
    }

    fn platform(&self, is: impl Fn(&Platform) -> bool) -> Option<Platform> {
        let platforms = self.platforms.read().unwrap_or_else(PoisonError::into_inner);
        platforms.iter().find(|platform| is(platform)).cloned()
    }

    /// Pages may be framed by every registered platform.
    fn frame(&self) -> Frame {
        let platforms = self.platforms.read().unwrap_or_else(PoisonError::into_inner);
        let mut ancestors: Vec<String> = platforms.iter().flat_map(Platform::own_origins).collect();
        ancestors.sort();
        ancestors.dedup();
        Frame { ancestors, form: None }
    }

    fn login(&self, form: &BTreeMap<String, String>) -> Result<Response, Refusal> {
        let need = |name: &str| {
            form.get(name).filter(|text| !text.is_empty()).ok_or_else(|| bad(format!("{name} is missing")))
        };
        let (issuer, hint, target) = (need("iss")?, need("login_hint")?, need("target_link_uri")?);
        let client = form.get("client_id");
        let registered =
            |one: &Platform| one.issuer == *issuer && client.is_none_or(|id| *id == one.client_id);
        let platform = self.platform(registered).ok_or_else(|| bad("this platform is not registered"))?;
        let deployment = form.get("lti_deployment_id");
        if deployment.is_some_and(|id| !platform.deployments.contains(id)) {
            return Err(bad("this deployment is not registered"));
        }
        if !claims::is_below(target, &self.url) {
            return Err(bad("target_link_uri is not this tool's"));
        }
        let storage = form.get("lti_storage_target").map(String::as_str).filter(|name| name.len() <= 256);
        let begun = self.logins.begin(&platform.name, storage, (self.clock)()).map_err(full)?;
        let mut asked = vec![
            ("scope", "openid"),
            ("response_type", "id_token"),
            ("response_mode", "form_post"),
            ("prompt", "none"),
            ("client_id", &platform.client_id),
            ("login_hint", hint),
            ("state", &begun.state),
            ("nonce", &begun.nonce),
        ];
        let redirect = format!("{}/lti/launch", self.url);
        asked.push(("redirect_uri", &redirect));
        if let Some(message) = form.get("lti_message_hint") {
            asked.push(("lti_message_hint", message));
        }
        let pairs: Vec<String> =
            asked.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let joint = if platform.auth_url.contains('?') { '&' } else { '?' };
        let next = format!("{}{joint}{}", platform.auth_url, pairs.join("&"));
        let mut response = match (storage, origin(&platform.auth_url)) {
            (Some(storage), Some(origin)) => {
                let kept = (key_of(&begun.state), begun.browser.as_str(), next.as_str());
                page::store_and_go(&self.frame(), (storage, &origin), (&kept.0, kept.1, kept.2))
            }
            _ => {
                (StatusCode::FOUND, [(CACHE_CONTROL, "no-store"), (LOCATION, next.as_str())]).into_response()
            }
        };
        let cookie = format!(
            "{}={}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=None; Partitioned",
            key_of(&begun.state),
            begun.browser,
            LOGIN_MS / 1_000
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    async fn launch(
        &self,
        form: &BTreeMap<String, String>,
        headers: &HeaderMap,
    ) -> Result<Response, Refusal> {
        let state = form.get("state").ok_or_else(|| bad("state is missing"))?;
        // Taken before anything else is looked at: whatever comes of it, this state opens nothing again.
        let login = self.logins.take(state, (self.clock)());
        let login = login
            .ok_or_else(|| bad("this launch is not known, is over, or was taken: open the link again"))?;
        if let Some(error) = form.get("error") {
            tracing::info!(platform = login.platform, error, "a platform refused a login");
            return Err(bad("the platform refused the login"));
        }
        let token = form.get("id_token").ok_or_else(|| bad("id_token is missing"))?;
        let launch = self.verified(&login, token).await?;
        let own = key_of(state);
        match cookie(headers, &own).filter(|secret| login.is_browser(secret)) {
            Some(_) => self.opened(launch, headers).await,
            None => {
                let platform = self.platform(|one| one.name == login.platform);
                let origin = platform.and_then(|platform| origin(&platform.auth_url));
                let (Some(storage), Some(origin)) = (login.storage.clone(), origin) else {
                    let why = "this browser did not begin the login, or keeps no cookies here: open the link in a new window";
                    return Err((StatusCode::UNAUTHORIZED, why.into()));
                };
                self.logins.wait(state, login, launch, (self.clock)()).map_err(full)?;
                Ok(page::confirm(&self.frame(), (&storage, &origin), (&own, state)))
            }
        }
    }

    async fn verified(&self, login: &Login, token: &str) -> Result<Launch, Refusal> {
        let refused =
            |why: &dyn std::fmt::Display| (StatusCode::UNAUTHORIZED, format!("the launch is refused: {why}"));
        let platform = self.platform(|one| one.name == login.platform);
        let platform = platform.ok_or_else(|| bad("this platform is not registered any more"))?;
        let token = Token::split(token).map_err(|why| refused(&why))?;
        let keys = self.platform_keys(&platform, token.kid()).await?;
        let claims = token.verified(&keys).map_err(|why| refused(&why))?;
        claims::launch(claims, &platform, (&self.url, &login.nonce, (self.clock)()))
            .map_err(|why| refused(&why))
    }

    /// The keys of a platform: kept for an hour, asked for again when a token names another.
    async fn platform_keys(&self, platform: &Platform, kid: &str) -> Result<Vec<Key>, Refusal> {
        let now = (self.clock)();
        let kept = held(&self.published).get(&platform.jwks_url).cloned();
        if let Some((at, keys)) = kept {
            let age = now.saturating_sub(at);
            if age < KEYS_AGAIN_MS || age < KEYS_MS && keys.iter().any(|key| key.is(kid)) {
                return Ok(keys);
            }
        }
        let gone = |why: &dyn std::fmt::Display| {
            tracing::warn!(platform = platform.name, %why, "its keys cannot be had");
            (
                StatusCode::BAD_GATEWAY,
                "the platform's keys cannot be had now: open the link again in a minute".to_owned(),
            )
        };
        let bytes = self.services.keys(platform).await.map_err(|why| gone(&why))?;
        let keys = jwt::keys(&bytes).map_err(|why| gone(&why))?;
        held(&self.published).insert(platform.jwks_url.clone(), (now, keys.clone()));
        Ok(keys)
    }

    /// What a verified launch of the right browser opens.
    async fn opened(&self, launch: Launch, headers: &HeaderMap) -> Result<Response, Refusal> {
        match &launch.kind {
            Kind::DeepLink { return_url, data } => {
                if launch.role != Role::Instructor {
                    return Err((StatusCode::FORBIDDEN, "teachers add links".into()));
                }
                let platform = self.platform(|one| one.name == launch.platform);
                let platform = platform.ok_or_else(|| bad("this platform is not registered any more"))?;
                let asked = (launch.deployment.as_str(), data.as_ref());
                let claims = deep_link_claims(&platform, asked, (&self.url, (self.clock)()));
                let signed = held(&self.keys).sign(&claims).map_err(|why| {
                    tracing::error!(%why, "a deep link is not signed");
                    (StatusCode::INTERNAL_SERVER_ERROR, "the tool's key cannot be used".to_owned())
                })?;
                let frame = Frame { form: origin(return_url), ..self.frame() };
                Ok(page::choice(&frame, return_url, &signed))
            }
            Kind::Resource { .. } => {
                let bearer = self.begin(launch).await?;
                match self.dashboard(&bearer, headers) {
                    Some(dashboard) => Ok(dashboard.await),
                    None => Ok(page::session(&self.frame(), &bearer)),
                }
            }
        }
    }

    /// The dashboard of a session's student; none of a teacher's session, or where none are shown.
    fn dashboard(&self, bearer: &str, headers: &HeaderMap) -> Option<crate::records::Page> {
        let (subject, until_ms) = self.logins.session(bearer, (self.clock)())?;
        let Who::Student(student) = subject.who else { return None };
        let platform = self.platform(|one| one.name == subject.platform)?;
        let opening = Opening {
            platform: subject.platform,
            student,
            framed_by: platform.own_origins(),
            // A page ends with its session, however late in it it was opened.
            until_ms,
        };
        Some(self.dashboards.as_ref()?.open(opening, headers.clone()))
    }

    /// A session of the launching user, whom the roster must know.
    async fn begin(&self, launch: Launch) -> Result<String, Refusal> {
        let nobody = || (StatusCode::FORBIDDEN, NotTold::Unknown.to_string());
        let id = launch.district_id.clone().ok_or_else(nobody)?;
        let (records, role, asked) = (self.records.clone(), launch.role, id.clone());
        let known = blocking(move || match role {
            Role::Learner => records.is_student(&asked),
            Role::Instructor => Ok(!records.sections(&asked)?.is_empty()),
            Role::Other => Ok(false),
        });
        if !known.await? {
            return Err(nobody());
        }
        let who = match launch.role {
            Role::Instructor => Who::Teacher(id),
            Role::Learner | Role::Other => Who::Student(id),
        };
        let roster_url = launch.roster_url.clone().filter(|_| launch.role == Role::Instructor);
        let subject = Subject { platform: launch.platform.clone(), who, roster_url };
        let bearer = self.logins.open(subject, (self.clock)()).map_err(full)?;
        if launch.role == Role::Learner {
            self.send_progress(&launch).await;
        }
        Ok(bearer)
    }

    /// Sends a student's progress where the operator wants it and the platform granted it; a launch opens without it all the same.
    async fn send_progress(&self, launch: &Launch) {
        let platform = self.platform(|one| one.name == launch.platform && one.send_progress);
        let grades = launch.grades.as_ref().filter(|grades| grades.may(SCORE_SCOPE));
        let line = grades.and_then(|grades| grades.line_item.as_deref());
        let (Some(platform), Some(line), Some(user), Some(id)) =
            (platform, line, &launch.user, &launch.district_id)
        else {
            return;
        };
        let (records, name, id) = (self.records.clone(), platform.name.clone(), id.clone());
        let Ok(facts) = blocking(move || records.student(&name, &id)).await else { return };
        if facts.practised == 0 {
            return;
        }
        let now = (self.clock)();
        let (to, score) = ((line, user.as_str()), (facts.mastered, facts.practised));
        let moment = aula_foreign::moment::moment(now);
        if let Err(why) = self.services.score(&platform, to, score, (&self.keys, now, &moment)).await {
            tracing::warn!(platform = platform.name, %why, "progress was not sent");
        }
    }

    async fn me(&self, headers: &HeaderMap) -> Result<Value, Refusal> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let bearer = header.strip_prefix("Bearer ").unwrap_or_default();
        let over = || (StatusCode::UNAUTHORIZED, "this session is over: open the link again".to_owned());
        let (subject, _) = self.logins.session(bearer, (self.clock)()).ok_or_else(over)?;
        let (records, platform) = (self.records.clone(), subject.platform.clone());
        match subject.who {
            Who::Student(id) => {
                let facts = blocking(move || records.student(&platform, &id)).await?;
                Ok(json!({ "student": facts }))
            }
            Who::Teacher(reader) => {
                let sections = blocking(move || records.sections(&reader)).await?;
                let members = self.course(&subject.platform, subject.roster_url.as_deref()).await;
                let told = sections.into_iter().map(|section| {
                    let there = members.as_ref().map(|members| {
                        section.students.iter().filter(|student| members.contains(student)).count()
                    });
                    json!({ "section": section.section, "students": section.students, "in_course": there })
                });
                Ok(json!({ "sections": told.collect::<Vec<_>>() }))
            }
        }
    }

    /// The identifiers of a course's active members, as far as the platform tells them; none when it does not.
    async fn course(&self, platform: &str, url: Option<&str>) -> Option<Vec<String>> {
        let platform = self.platform(|one| one.name == platform)?;
        let members = self.services.members(&platform, url?, (&self.keys, (self.clock)())).await;
        match members {
            Ok(members) => {
                let active = |member: &Member| member.status.as_deref().is_none_or(|word| word == "Active");
                let by_sub = platform.student_claim == "sub";
                let id =
                    |member: Member| if by_sub { Some(member.user_id) } else { member.lis_person_sourcedid };
                Some(members.into_iter().filter(active).filter_map(id).collect())
            }
            Err(why) => {
                tracing::warn!(platform = platform.name, %why, "a course's roster was not had");
                None
            }
        }
    }
}

fn full(full: Full) -> Refusal {
    (StatusCode::SERVICE_UNAVAILABLE, full.to_string())
}

/// Asks the vault away from the threads that serve.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, NotTold> + Send + 'static,
) -> Result<T, Refusal> {
    let asked = tokio::task::spawn_blocking(call).await.unwrap_or(Err(NotTold::Refused));
    asked.map_err(|why| {
        let status = match why {
            NotTold::Unknown => StatusCode::FORBIDDEN,
            NotTold::Busy => StatusCode::SERVICE_UNAVAILABLE,
            NotTold::Refused => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, why.to_string())
    })
}

/// The routes of a tool.
pub fn router(tool: Arc<Tool>) -> Router {
    Router::new()
        .route("/lti/login", get(login).post(login))
        .route("/lti/launch", post(launch))
        .route("/lti/confirm", post(confirm))
        .route("/lti/dashboard", post(dashboard))
        .route("/lti/me", get(me))
        .route("/lti/jwks.json", get(published))
        .route("/healthz", get(|| async { "ok" }))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .with_state(tool)
}

async fn login(State(tool): State<Arc<Tool>>, RawForm(form): RawForm) -> Response {
    let asked = pairs(&form)
        .ok_or_else(|| bad("a field stands twice, or is not UTF-8"))
        .and_then(|form| tool.login(&form));
    asked.unwrap_or_else(|(status, why)| page::refusal(status, &tool.frame(), &why))
}

async fn launch(State(tool): State<Arc<Tool>>, headers: HeaderMap, RawForm(form): RawForm) -> Response {
    let own = tool.clone();
    let opened = placed(&tool, async move {
        match pairs(&form) {
            Some(form) => own.launch(&form, &headers).await,
            None => Err(bad("a field stands twice, or is not UTF-8")),
        }
    });
    let opened = opened.await.unwrap_or_else(Err);
    opened.unwrap_or_else(|(status, why)| page::refusal(status, &tool.frame(), &why))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmed {
    state: String,
    browser: String,
}

async fn confirm(State(tool): State<Arc<Tool>>, body: axum::body::Bytes) -> Response {
    let confirmed = async {
        let Confirmed { state, browser } =
            serde_json::from_slice(&body).map_err(|_| bad("state and browser are asked for"))?;
        let launch = tool.logins.confirm(&state, &browser, (tool.clock)());
        let why = "this browser did not begin the login: open the link again";
        let launch = launch.ok_or((StatusCode::UNAUTHORIZED, why.to_owned()))?;
        match launch.kind {
            Kind::Resource { .. } => {
                let shows = tool.dashboards.is_some() && launch.role == Role::Learner;
                Ok(json!({ "bearer": tool.begin(launch).await?, "dashboard": shows }))
            }
            Kind::DeepLink { .. } => {
                Err(bad("links are added in a browser that keeps cookies: open it in a new window"))
            }
        }
    };
    answer(confirmed.await)
}

async fn dashboard(State(tool): State<Arc<Tool>>, headers: HeaderMap, RawForm(form): RawForm) -> Response {
    let bearer = pairs(&form).and_then(|mut form| form.remove("bearer")).unwrap_or_default();
    let refused = |(status, why): Refusal| page::refusal(status, &tool.frame(), &why);
    match tool.dashboard(&bearer, &headers) {
        Some(dashboard) => placed(&tool, dashboard).await.unwrap_or_else(refused),
        None => refused((StatusCode::UNAUTHORIZED, "this session is over: open the link again".into())),
    }
}

async fn me(State(tool): State<Arc<Tool>>, headers: HeaderMap) -> Response {
    let own = tool.clone();
    let told = placed(&tool, async move { own.me(&headers).await });
    answer(told.await.unwrap_or_else(Err))
}

/// Does something in one of the tool's places. It is done to its end in a task of its own, and the place is held until then: the
/// vault works on whether or not who asked is still there.
async fn placed<T: Send + 'static>(
    tool: &Tool,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Refusal> {
    let place = tool.places.clone().try_acquire_owned().map_err(|_| full(Full))?;
    let done = tokio::spawn(async move {
        let _place = place;
        work.await
    });
    let broken = |_| (StatusCode::INTERNAL_SERVER_ERROR, "the tool failed: open the link again".to_owned());
    done.await.map_err(broken)
}

async fn published(State(tool): State<Arc<Tool>>) -> Response {
    let set = held(&tool.keys).published().to_string();
    (StatusCode::OK, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=3600")], set)
        .into_response()
}

fn answer(told: Result<Value, Refusal>) -> Response {
    let (status, body) = match told {
        Ok(body) => (StatusCode::OK, body),
        Err((status, why)) => {
            let code = status.canonical_reason().unwrap_or("refused").to_ascii_lowercase().replace(' ', "_");
            (status, json!({ "error": { "code": code, "message": why } }))
        }
    };
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body.to_string())
        .into_response()
}
