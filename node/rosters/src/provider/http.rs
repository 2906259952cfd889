//! The routes: `POST /oauth2/token`, and everything below `/ims/oneroster/rostering/v1p2` and `/ims/oneroster/gradebook/v1p2`.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use aula_foreign::form::decoded_part;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LINK};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::{Value, json};

use super::clients::{Clients, Scope};
use super::objects::{Item, View};
use super::place::{Place, Service, Set, Within, place};
use super::question::{Question, links, of_one};
use super::records::{Key, NotGiven, Records, Roster, What};
use super::status::Refusal;
use super::token::{Grant, Tokens};
use super::told::Told;

/// Most bytes of a request for a token.
const MAX_FORM_BYTES: usize = 16 << 10;
/// Requests that are answered at once; more are told to come again.
pub(super) const MAX_REQUESTS: usize = 64;
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Tells the time, milliseconds since 1970.
pub type Clock = fn() -> u64;

/// A provider that is served.
pub struct Provider {
    url: String,
    clients: RwLock<Clients>,
    tokens: Tokens,
    records: Arc<dyn Records>,
    clock: Clock,
    places: Arc<tokio::sync::Semaphore>,
    told: Told,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Provider {
    /// A provider that clients reach at `url`, which has no slash at its end.
    pub fn new(url: &str, clients: Clients, records: Arc<dyn Records>, clock: Clock) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            clients: RwLock::new(clients),
            tokens: Tokens::default(),
            records,
            clock,
            places: Arc::new(tokio::sync::Semaphore::new(MAX_REQUESTS)),
            told: Told::default(),
        }
    }

    /// Takes other clients from now on; tokens of those who are no longer clients end.
    pub fn set_clients(&self, clients: Clients) {
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = clients;
    }

    fn clients(&self) -> Clients {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn answer(self: &Arc<Self>, service: Service, request: Request) -> Result<Response, Refusal> {
        let grant = self.tokens.grant(&self.clients(), request.headers(), (self.clock)());
        let grant = grant.ok_or(Refusal::Unauthorised)?;
        if request.method() != Method::GET {
            return Err(Refusal::Method);
        }
        let held = self.places.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let path = request.uri().path();
        let rest = path.strip_prefix(service.path()).unwrap_or_default().trim_start_matches('/');
        let parts: Option<Vec<String>> = rest.split('/').map(decoded_part).collect();
        let place = parts.and_then(|parts| place(service, &parts));
        let place = place.ok_or_else(|| Refusal::Unknown(format!("the standard has no address {path}")))?;
        open(&grant, &place)?;
        let query = request.uri().query().unwrap_or_default();
        let question = match place.one {
            None => Question::parse(query, place.of)?,
            Some(_) => of_one(query, place.of)?,
        };
        let at = format!("{}{path}", self.url);
        let (own, query) = (self.clone(), query.to_owned());
        let made = tokio::task::spawn_blocking(move || {
            // Until the work is done, whether or not the client is still there.
            let _held = held;
            own.page(&grant, &place, &question)
        });
        let page = made.await.map_err(|_| Refusal::Fault)??;
        Ok(page.response(&at, &query))
    }

    /// One page, once the log has what leaves of whom. Who was erased since the roster was read is on it no more: it is read again.
    fn page(&self, grant: &Grant, place: &Place, question: &Question) -> Result<Page, Refusal> {
        match self.looked(grant, place, question)? {
            (_, true) => Ok(self.looked(grant, place, question)?.0),
            (page, false) => Ok(page),
        }
    }

    /// A page, and whether somebody was left out of it.
    fn looked(&self, grant: &Grant, place: &Place, question: &Question) -> Result<(Page, bool), Refusal> {
        let roster = self.records.roster().map_err(refused)?;
        let scores = match place.set {
            Set::Tests | Set::TestResults | Set::LineItems | Set::Results => {
                self.records.scores().map_err(refused)?
            }
            _ => Arc::default(),
        };
        let view = View::new(&roster, &self.url);
        let missing = || Refusal::Unknown("what this address lies within is not on the roster".into());
        let items = view.items(place, &scores).ok_or_else(missing)?;
        // Whom the answer tells of, whatever page of it is asked for.
        let mut told: BTreeSet<Key> = of_person(&roster, place);
        // Within a school or class, being there is what the count tells of whoever is looked for.
        let within = place.within != Within::default();
        let (total, items) = match question.is_plain() {
            true => {
                let total = items.len();
                let own = items.into_iter().skip(question.offset).take(question.limit);
                (total, own.map(|item| (item, view.object(&item))).collect())
            }
            false => {
                let all = items.into_iter().map(|item| (item, view.object(&item)));
                let within = within && question.filters();
                let mut told_of = |item: &Item<'_>, object: &Value| {
                    if within && question.meets(object) || question.tells_of(object) {
                        told.extend(View::whose(item));
                    }
                };
                let mut all: Vec<(Item<'_>, Value)> = all
                    .inspect(|(item, object)| told_of(item, object))
                    .filter(|(_, object)| question.meets(object))
                    .collect();
                question.arrange(&mut all);
                let own = all.len();
                let page: Vec<_> = all.into_iter().skip(question.offset).take(question.limit).collect();
                (own, page)
            }
        };
        let mut whose: BTreeSet<Key> = items.iter().filter_map(|(item, _)| View::whose(item)).collect();
        let what = match place.set {
            Set::TestResults | Set::Results => What::Results,
            _ => What::Place,
        };
        let (client, now_ms) = (&grant.client.name, (self.clock)());
        whose.extend(self.told.due(client, what, told, now_ms));
        let given = match whose.is_empty() {
            true => BTreeSet::new(),
            false => self.records.list(client, what, &whose).map_err(refused)?,
        };
        self.told.listed(client, what, &given, now_ms);
        let left_out = given.len() < whose.len();
        let may = |item: &Item<'_>| View::whose(item).is_none_or(|key| given.contains(&key));
        let objects: Vec<Value> = items
            .into_iter()
            .filter(|(item, _)| may(item))
            .map(|(_, object)| question.select(object))
            .collect();
        let (one, many) = place.of.words();
        if place.one.is_some() {
            let object = objects.into_iter().next();
            let object = object.ok_or_else(|| Refusal::Unknown(format!("no {one} has this sourcedId")))?;
            return Ok((Page { body: json!({ one: object }), counted: None }, false));
        }
        let counted = Some((question.limit, question.offset, total));
        Ok((Page { body: json!({ many: objects }), counted }, left_out))
    }
}

/// Whether the token's scopes open a place.
fn open(grant: &Grant, place: &Place) -> Result<(), Refusal> {
    if place.scopes.iter().any(|scope| grant.scopes.contains(scope)) {
        return Ok(());
    }
    let words: Vec<&str> = place.scopes.iter().map(|scope| Scope::word(*scope)).collect();
    Err(Refusal::Forbidden(match words.is_empty() {
        true => "this provider gives nobody demographics".into(),
        false => format!("this address wants one of the scopes {}", words.join(", ")),
    }))
}

/// The student whose own sections a place asks for.
fn of_person(roster: &Roster, place: &Place) -> BTreeSet<Key> {
    let Some((_, id)) = &place.within.person else { return BTreeSet::new() };
    roster.students.iter().filter(|own| own.id == *id).map(|own| own.key).collect()
}

fn refused(why: NotGiven) -> Refusal {
    match why {
        NotGiven::Busy => Refusal::Busy,
        NotGiven::Refused => Refusal::Fault,
    }
}

struct Page {
    body: Value,
    /// Limit, offset and how many there are, of a list.
    counted: Option<(usize, usize, usize)>,
}

impl Page {
    fn response(self, at: &str, query: &str) -> Response {
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
        let mut response = (StatusCode::OK, headers, self.body.to_string()).into_response();
        if let Some(counted) = self.counted {
            let headers = response.headers_mut();
            headers.insert(TOTAL, HeaderValue::from(counted.2 as u64));
            if let Ok(links) = HeaderValue::from_str(&links(at, query, counted)) {
                headers.insert(LINK, links);
            }
        }
        response
    }
}

/// The routes of a provider.
pub fn router(provider: Arc<Provider>) -> Router {
    let mut routes = Router::new()
        .route("/oauth2/token", post(token))
        .route("/healthz", get(|| async { "ok" }))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES));
    for service in Service::BOTH {
        let answer = move |State(provider): State<Arc<Provider>>, request: Request| async move {
            provider.answer(service, request).await.unwrap_or_else(Refusal::into_response)
        };
        routes = routes.route(&format!("{}/{{*place}}", service.path()), any(answer));
    }
    let nowhere = || async { Refusal::Unknown("there is nothing at this address".into()) };
    routes.fallback(nowhere).with_state(provider)
}

async fn token(State(provider): State<Arc<Provider>>, headers: HeaderMap, form: Bytes) -> Response {
    provider.tokens.answer(&provider.clients(), &headers, &form, (provider.clock)())
}
