//! The routes, below `/identity`.
//!
//! | route | is |
//! |---|---|
//! | GET `/identity/login/{provider}` | sends the browser to the provider |
//! | GET `/identity/oidc/{provider}` | where an OpenID provider sends it back |
//! | POST `/identity/saml/{provider}` | where a SAML provider sends it back |
//! | GET `/identity/saml/{provider}/metadata` | what that provider is given |
//! | GET `/identity/me` | who the session's or token's reader is |
//! | POST `/identity/credential` | a credential for the vault's routes, for `Aula-Credential` |
//! | POST `/identity/logout` | ends the session |
//! | POST `/identity/oidc/{provider}/logout`, GET, POST `/identity/saml/{provider}/logout` | a provider ends sessions that it began |
//! | GET, POST `/identity/tokens`, DELETE `/identity/tokens/{id}` | tokens: one's own; an admin sees and revokes all |
//! | GET `/identity/sessions`, DELETE `/identity/sessions/{id}` | sessions, for an admin |
//! | `/identity/scim/v2/…` | the directory of staff, for the district's identity system (`scim`) |
//!
//! A session is a cookie that scripts cannot read and other sites do not send along; what changes something asks for the header
//! `Aula-Request` beside it, which no form of another site can set. A token is `Authorization: Bearer`. A body is read after whoever
//! sends it was asked who it is, where that is asked, and within [`PATIENCE`]. In a home of a pair that stands by everything is 503.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, RawForm, Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use crate::claims::Said;
use crate::directory::{Directory, Employed};
use crate::mapping::Mapping;
use crate::office::{Office, Standing, Unavailable};
use crate::pair::{Other, Partner};
use crate::sessions::{LOGIN_MS, Lifetime, Login, Logins, Session, Sessions};
use crate::settings::{Protocol, Provider, Registered};
use crate::tokens::{Scope, Tokens};
use crate::{oidc, saml};

mod account;
mod ended;
mod scim;
#[cfg(test)]
mod tests;

/// The session's cookie. Its prefix has browsers take it from an encrypted page alone, for this host and no other.
pub const SESSION_COOKIE: &str = "__Host-aula-session";
/// The cookie of a login that began.
const LOGIN_COOKIE: &str = "__Host-aula-login";
/// The header that a form of another site cannot set.
pub const ASKED_HEADER: &str = "aula-request";
const MAX_BODY: usize = saml::MAX_RESPONSE * 2;
/// Requests at once; more are told 503.
const MAX_REQUESTS: usize = 256;
/// Of those, forms at once that are taken from whoever sends them: strangers leave places to the others.
const MAX_FORMS: usize = 128;
/// How long a body may take; a longer one is told 408.
pub const PATIENCE: Duration = Duration::from_secs(10);
const SLOW: &str = "the body did not come in time: send it again";

/// Tells the time, milliseconds since 1970.
pub type Clock = fn() -> u64;

/// A registered provider, ready.
#[derive(Debug)]
struct Ready {
    map: Mapping,
    client: Client,
}

#[derive(Debug)]
enum Client {
    Oidc(Box<oidc::Client>),
    Saml(Box<saml::Client>),
}

/// What a login keeps.
#[derive(Debug)]
enum Kept {
    Oidc(Box<oidc::Kept>),
    Saml(Box<saml::Kept>),
}

/// Where staff log in.
pub struct Desk {
    url: String,
    providers: RwLock<BTreeMap<String, Arc<Ready>>>,
    logins: Logins<Kept>,
    sessions: Sessions,
    tokens: Tokens,
    directory: Directory,
    office: Arc<dyn Office>,
    credential_ms: u64,
    clock: Clock,
    places: Arc<tokio::sync::Semaphore>,
    forms: tokio::sync::Semaphore,
    patience: Duration,
    other: Other,
    /// The turn of acting at whose beginning tokens and directory were read.
    read_in: Mutex<Option<u64>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("url", &self.url).finish_non_exhaustive()
    }
}

/// An answer that is no.
#[derive(Debug)]
pub struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, message) = self;
        let body = json!({ "error": { "code": status.as_u16(), "message": message } });
        let mut response = json_of(status, &body);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

fn bad(why: impl std::fmt::Display) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, why.to_string())
}

fn denied(why: impl std::fmt::Display) -> Refusal {
    Refusal(StatusCode::FORBIDDEN, why.to_string())
}

fn busy(why: impl std::fmt::Display) -> Refusal {
    Refusal(StatusCode::SERVICE_UNAVAILABLE, why.to_string())
}

fn of_oidc(error: oidc::OidcError) -> Refusal {
    match error {
        oidc::OidcError::Unreachable(_) => busy(error),
        oidc::OidcError::Refused(_) => denied(error),
    }
}

/// The vault's words for roles that a directory gives.
const STAFF: [&str; 3] = ["teacher", "counselor", "admin"];

/// How long sessions and credentials last.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long a login holds, unused and in all.
    pub session: Lifetime,
    /// A credential, at most an hour: the ledger's rule.
    pub credential_ms: u64,
}

impl Desk {
    /// A desk that browsers reach at `url`, which has no slash at its end.
    ///
    /// # Errors
    /// A provider that cannot be used.
    pub fn new(
        url: &str,
        registered: Registered,
        (tokens, directory, office): (Tokens, Directory, Arc<dyn Office>),
        (terms, clock): (Terms, Clock),
    ) -> Result<Self, String> {
        let desk = Self {
            url: url.trim_end_matches('/').to_owned(),
            providers: RwLock::default(),
            logins: Logins::default(),
            sessions: Sessions::new(terms.session),
            tokens,
            directory,
            office,
            credential_ms: terms.credential_ms.min(3_600_000),
            clock,
            places: Arc::new(tokio::sync::Semaphore::new(MAX_REQUESTS)),
            forms: tokio::sync::Semaphore::new(MAX_FORMS),
            patience: PATIENCE,
            other: None,
            read_in: Mutex::default(),
        };
        desk.set_providers(registered)?;
        Ok(desk)
    }

    /// The same desk of a node of a pair, with tokens and a directory that nobody has read yet: they are read when this one acts, and it
    /// answers nothing before.
    #[must_use]
    pub fn of_pair(mut self, other: Arc<dyn Partner>) -> Self {
        self.other = Some(other);
        self
    }

    /// Whether this one answers: it is in no pair, or it acts, with the files read as they were when its turn began. Blocks.
    fn ready(&self) -> Result<(), Refusal> {
        let Some(other) = &self.other else { return Ok(()) };
        let turn = other.turn().map_err(|why| busy(format!("this node of the pair does not act: {why}")))?;
        let mut read_in = self.read_in.lock().unwrap_or_else(PoisonError::into_inner);
        if *read_in == Some(turn) {
            return Ok(());
        }
        let unusable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, turn, "the files of logins cannot be used: nobody logs in");
            busy("the files of logins cannot be used: tell the district's operator")
        };
        self.tokens.read_again().map_err(|error| unusable(&error))?;
        self.directory.read_again().map_err(|error| unusable(&error))?;
        *read_in = Some(turn);
        Ok(())
    }

    /// Whether a credential of this reader in this role holds still: where the directory decides, as long as it gives that role. Roles of
    /// nobody's staff are none of its business. Blocks.
    pub fn holds(&self, reader: &str, role: &str) -> bool {
        if !STAFF.contains(&role) {
            return true;
        }
        // A directory that cannot be used lets nobody in.
        self.ready().is_ok() && self.role_now(reader, role.to_owned()).as_deref() == Some(role)
    }

    /// Takes other providers, and another rule of the directory, from now on; sessions of those that are gone end.
    ///
    /// # Errors
    /// A provider that cannot be used; all stays as it was then.
    pub fn set_providers(&self, registered: Registered) -> Result<(), String> {
        let mut ready = BTreeMap::new();
        for provider in registered.providers {
            let Provider { name, map, protocol } = provider;
            let client = match protocol {
                Protocol::Oidc(oidc) => oidc::Client::new(oidc, format!("{}/identity/oidc/{name}", self.url))
                    .map(|client| Client::Oidc(Box::new(client))),
                Protocol::Saml(idp) => {
                    let acs = format!("{}/identity/saml/{name}", self.url);
                    saml::Client::new(&idp, &format!("{acs}/metadata"), &acs)
                        .map(|client| Client::Saml(Box::new(client)))
                }
            };
            let client = client.map_err(|why| format!("[[provider]] {name} cannot be used: {why}"))?;
            ready.insert(name, Arc::new(Ready { map, client }));
        }
        self.directory.set_rule(registered.directory);
        self.sessions.revoke_of(|provider| !ready.contains_key(provider));
        *self.providers.write().unwrap_or_else(PoisonError::into_inner) = ready;
        Ok(())
    }

    fn now(&self) -> u64 {
        (self.clock)()
    }

    fn provider(&self, name: &str) -> Result<Arc<Ready>, Refusal> {
        let providers = self.providers.read().unwrap_or_else(PoisonError::into_inner);
        let none = || Refusal(StatusCode::NOT_FOUND, "there is no provider of this name here".into());
        providers.get(name).cloned().ok_or_else(none)
    }

    async fn login(&self, name: &str) -> Result<Response, Refusal> {
        let provider = self.provider(name)?;
        let (url, state, kept) = match &provider.client {
            Client::Oidc(client) => {
                let begun = client.begin(self.now()).await.map_err(busy)?;
                (begun.url, begun.state, Kept::Oidc(Box::new(begun.kept)))
            }
            Client::Saml(client) => {
                let begun = client.begin().map_err(busy)?;
                (begun.url, begun.state, Kept::Saml(Box::new(begun.kept)))
            }
        };
        let browser = self.logins.begin(&state, name, kept, self.now()).map_err(busy)?;
        // A SAML provider's POST comes from its own site, with no cookie but one that says so.
        let cookie = format!(
            "{LOGIN_COOKIE}={browser}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=None",
            LOGIN_MS / 1_000
        );
        Ok(sent(&url, [cookie]))
    }

    /// The login that a state names, which is taken now, if it is this provider's and this browser's.
    fn take(&self, name: &str, state: &str, headers: &HeaderMap) -> Result<Login<Kept>, Refusal> {
        let unknown = || bad("this login is not known, is over, or was taken: begin again");
        let login = self.logins.take(state, self.now()).ok_or_else(unknown)?;
        if login.provider != name {
            return Err(bad("this login was begun with another provider"));
        }
        let own = cookie(headers, LOGIN_COOKIE).is_some_and(|secret| login.is_browser(secret));
        if own { Ok(login) } else { Err(denied("another browser began this login: begin again in this one")) }
    }

    async fn came_back(
        &self,
        name: &str,
        answer: &BTreeMap<String, String>,
        headers: &HeaderMap,
    ) -> Result<Response, Refusal> {
        let need = |field: &str| answer.get(field).ok_or_else(|| bad(format!("{field} is missing")));
        let provider = self.provider(name)?;
        let said = match &provider.client {
            Client::Oidc(client) => {
                let Login { kept: Kept::Oidc(kept), .. } = self.take(name, need("state")?, headers)? else {
                    return Err(bad("this login was begun otherwise"));
                };
                if let Some(error) = answer.get("error") {
                    tracing::info!(provider = name, error, "a provider refused a login");
                    return Err(denied("the provider refused the login"));
                }
                let answered = (need("code")?.as_str(), answer.get("iss").map(String::as_str));
                let needed: Vec<&str> = provider.map.names().collect();
                client.finish(*kept, answered, &needed, self.now()).await.map_err(of_oidc)?
            }
            Client::Saml(client) => {
                // A login that the provider began by itself answers no request of this browser.
                let state = answer.get("RelayState").filter(|state| !state.is_empty()).ok_or_else(|| {
                    bad(format!(
                        "this answers no login that was begun here: begin at {}/identity/login/{name}",
                        self.url
                    ))
                })?;
                let Login { kept: Kept::Saml(kept), .. } = self.take(name, state, headers)? else {
                    return Err(bad("this login was begun otherwise"));
                };
                client.finish(&kept, need("SAMLResponse")?, state, self.now()).map_err(denied)?
            }
        };
        self.welcome(name, &provider.map, &said).await
    }

    /// A session for who is on the roster as the provider says.
    async fn welcome(&self, provider: &str, map: &Mapping, said: &Said) -> Result<Response, Refusal> {
        let mut staff = map.staff(&said.claims).map_err(denied)?;
        let role = self.role_now(&staff.reader, staff.role);
        let unknown = || denied("the district's directory does not have this account as staff");
        staff.role = role.ok_or_else(unknown)?;
        let standing = self.standing(&staff.reader).await?;
        self.fits(&staff.role, &standing)?;
        if let Some(sections) = &staff.sections
            && !sections.iter().any(|section| standing.sections.contains(section))
        {
            return Err(denied(
                "the roster has none of the sections that the provider names for this account",
            ));
        }
        let (secret, session) = self.sessions.begin(&staff, (provider, said), self.now()).map_err(busy)?;
        tracing::info!(
            reader = session.reader,
            role = session.role,
            provider,
            session = session.id,
            "a login"
        );
        let age = session.until_ms.saturating_sub(session.begun_ms) / 1_000;
        let own =
            format!("{SESSION_COOKIE}={secret}; Path=/; Max-Age={age}; HttpOnly; Secure; SameSite=Strict");
        let over = format!("{LOGIN_COOKIE}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None");
        let mut response = json_of(StatusCode::OK, &json!({ "session": session }));
        for cookie in [own, over] {
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(SET_COOKIE, value);
            }
        }
        Ok(response)
    }

    /// Ends the sessions of readers whom the roster does not name any more; says how many ended. Their tokens open nothing meanwhile, and
    /// go on when the roster names them again. Tokens of whom the directory does not have end for good.
    pub async fn sweep(self: &Arc<Self>) -> usize {
        let desk = self.clone();
        // What fails is tried at the next look.
        let _ = tokio::task::spawn_blocking(move || desk.end_left()).await;
        let (readers, office) = (self.sessions.readers(self.now()), self.office.clone());
        if readers.is_empty() {
            return 0;
        }
        let asked = tokio::task::spawn_blocking(move || office.gone(&readers)).await;
        // A vault that is in use is asked the next time.
        let gone = asked.unwrap_or(Err(Unavailable)).unwrap_or_default();
        gone.iter().map(|reader| self.sessions.revoke_reader(reader)).sum()
    }

    /// How the roster has a reader now, asked on a thread that may block.
    async fn standing(&self, reader: &str) -> Result<Standing, Refusal> {
        let (office, reader) = (self.office.clone(), reader.to_owned());
        let asked = tokio::task::spawn_blocking(move || office.standing(&reader)).await;
        asked.unwrap_or(Err(Unavailable)).map_err(busy)
    }

    /// Whoever reads by a relation is on the roster. An admin's relation is the office.
    fn fits(&self, role: &str, standing: &Standing) -> Result<(), Refusal> {
        if standing.listed || role == "admin" {
            return Ok(());
        }
        Err(denied("this account's reader is not on the district's roster"))
    }
}

/// A redirect with cookies.
fn sent(url: &str, cookies: impl IntoIterator<Item = String>) -> Response {
    let mut response = (StatusCode::FOUND, [(CACHE_CONTROL, "no-store"), (LOCATION, url)]).into_response();
    for cookie in cookies {
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
    response
}

fn json_of(status: StatusCode, value: &Value) -> Response {
    (status, [(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, "application/json")], value.to_string())
        .into_response()
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
}

/// The fields of a form; of a name that stands there twice none can be right.
fn form(bytes: &[u8]) -> Result<BTreeMap<String, String>, Refusal> {
    let mut fields = BTreeMap::new();
    for (name, value) in openidconnect::url::form_urlencoded::parse(bytes) {
        if fields.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return Err(bad(format!("{name} stands there twice")));
        }
    }
    Ok(fields)
}

/// The fields of the form that a request carries, from whoever sends it.
async fn form_of(desk: &Desk, request: Request) -> Result<BTreeMap<String, String>, Refusal> {
    let Ok(_place) = desk.forms.try_acquire() else {
        return Err(busy("too many forms at once: try again in a second"));
    };
    match tokio::time::timeout(desk.patience, RawForm::from_request(request, &())).await {
        Ok(Ok(RawForm(body))) => form(&body),
        Ok(Err(why)) => Err(Refusal(why.status(), why.body_text())),
        Err(_) => Err(slow()),
    }
}

/// What a request carries, from who was asked already.
async fn body_of(desk: &Desk, request: Request) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(desk.patience, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(why)) => Err(Refusal(why.status(), why.body_text())),
        Err(_) => Err(slow()),
    }
}

fn slow() -> Refusal {
    Refusal(StatusCode::REQUEST_TIMEOUT, SLOW.into())
}

type Shared = Arc<Desk>;

async fn login(State(desk): State<Shared>, Path(name): Path<String>) -> Result<Response, Refusal> {
    desk.login(&name).await
}

async fn oidc_back(
    State(desk): State<Shared>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let answer = form(request.uri().query().unwrap_or_default().as_bytes())?;
    desk.came_back(&name, &answer, request.headers()).await
}

async fn saml_back(
    State(desk): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    let answer = form_of(&desk, request).await?;
    desk.came_back(&name, &answer, &headers).await
}

async fn saml_metadata(State(desk): State<Shared>, Path(name): Path<String>) -> Result<Response, Refusal> {
    match &desk.provider(&name)?.client {
        Client::Saml(client) => {
            Ok(([(CONTENT_TYPE, "application/samlmetadata+xml")], client.metadata().to_owned())
                .into_response())
        }
        Client::Oidc(_) => Err(Refusal(StatusCode::NOT_FOUND, "this provider speaks OpenID Connect".into())),
    }
}

/// A place for each request, or 503. A request is answered to its end in a task of its own, and its place is held until then: what it asked
/// of the vault goes on whether or not who asked is still there.
async fn placed(State(desk): State<Shared>, request: Request, next: Next) -> Response {
    let Ok(place) = desk.places.clone().try_acquire_owned() else {
        return busy("too many requests at once: try again in a second").into_response();
    };
    let done = tokio::spawn(async move {
        let _place = place;
        if desk.other.is_some() {
            let asked = tokio::task::spawn_blocking(move || desk.ready()).await;
            if let Err(refusal) = asked.unwrap_or_else(|_| Err(busy("this node's turn is not known"))) {
                return refusal.into_response();
            }
        }
        next.run(request).await
    });
    done.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// What the header of this file lists, over one desk.
pub fn router(desk: Arc<Desk>) -> Router {
    let routes = Router::new()
        .route("/identity/login/{provider}", get(login))
        .route("/identity/oidc/{provider}", get(oidc_back))
        .route("/identity/oidc/{provider}/logout", post(ended::oidc))
        .route("/identity/saml/{provider}", post(saml_back))
        .route("/identity/saml/{provider}/logout", get(ended::saml_redirect).post(ended::saml_post))
        .route("/identity/saml/{provider}/metadata", get(saml_metadata))
        .route("/identity/me", get(account::me))
        .route("/identity/credential", post(account::credential))
        .route("/identity/logout", post(account::logout))
        .route("/identity/tokens", get(account::tokens).post(account::make_token))
        .route("/identity/tokens/{id}", delete(account::revoke_token))
        .route("/identity/sessions", get(account::sessions))
        .route("/identity/sessions/{id}", delete(account::revoke_session))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    scim::nested(routes).layer(middleware::from_fn_with_state(desk.clone(), placed)).with_state(desk)
}
