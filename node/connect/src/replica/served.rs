//! The district's side: `POST /replica/v1/WORD` with `begin`, `compare`, `bring`, `fetch`, `states`; borsh in, borsh out.
//!
//! Basic with the replica's name and secret. Refusals are `{"error":{"code","message"}}`: 400 `malformed`, 401 `unknown_replica`, 404
//! `unknown_word`, 409 `version` or `session_over` (begin again), 413 `too_large`, 503 `busy` with Retry-After. Invariants: a replica
//! is told of its own schools' students only, each listed in the access log before anything of it leaves; it brings events of its own
//! feeds only, at places that their messages' marks give. Absent: TLS, which a proxy ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use aula_district::keep::fold;
use aula_district::live::{LiveError, events_of};
use aula_district::merge::{Merged, Merging, mark_of};
use aula_ledger::types::{Handle, SchoolYear, TimeMs};
use aula_twin_runtime::event::{Event, EventBody};
use aula_twin_runtime::params::Params;
use aula_vault::VaultError;
use aula_vault::access::Provided;
use aula_vault::feeds::{FeedKeys, MAX_ORIGIN_BYTES};
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use super::clients::{Registered, Replicas};
use super::difference::{MAX_ASKED, say};
use super::entering::Entering;
use super::people;
use super::scope::{Numbers, Of, Set};
use super::wire::{
    Begin, Begun, Bring, Brought, Compare, Compared, Fate, Fetch, MAX_BODY_BYTES, MAX_FETCHED, MAX_ROWS,
    Making, Row, Rows, Session, Stated, States, TYPE, VERSION,
};
use crate::door::{Lent, lent};
use crate::people::People;
use crate::pipeline::RETRY_S;
use crate::strangers::limited;
use crate::taking::Levelling;

/// Requests that are answered at once.
const MAX_REQUESTS: usize = 8;
/// Students whose states are folded in one borrowing of the vault.
const AT_ONCE: usize = 100;

/// The digest of the twins' parameters, and they.
pub type Parameters = Arc<dyn Fn() -> Result<([u8; 32], Params), String> + Send + Sync>;
/// Tells the time, milliseconds since 1970.
pub type Clock = fn() -> u64;

/// A levelling under way.
struct Held {
    session: Session,
    year: SchoolYear,
    set: Arc<Set>,
}

/// The district's side.
pub struct Served {
    entering: Entering,
    clients: RwLock<Replicas>,
    parameters: Parameters,
    clock: Clock,
    held: Mutex<HashMap<String, Held>>,
    numbers: Mutex<HashMap<String, Numbers>>,
    places: tokio::sync::Semaphore,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served").field("entering", &self.entering).finish_non_exhaustive()
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Status, code, what to do.
struct Refusal(StatusCode, &'static str, String);

impl Refusal {
    fn malformed(why: impl std::fmt::Display) -> Self {
        Self(StatusCode::BAD_REQUEST, "malformed", why.to_string())
    }
}

impl From<Lent> for Refusal {
    fn from(why: Lent) -> Self {
        if let Lent::Vault(error) = &why {
            tracing::warn!(%error, "a replica was told to come again");
        }
        Self(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            format!("the district's vault is not to be had now: come again after {RETRY_S} s"),
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        let body = serde_json::json!({ "error": { "code": code, "message": message } }).to_string();
        let mut response = (status, [(CONTENT_TYPE, "application/json")], body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_S.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Basic"));
        }
        response
    }
}

impl Served {
    /// For these replicas.
    pub fn new(entering: Entering, clients: Replicas, parameters: Parameters, clock: Clock) -> Self {
        let places = tokio::sync::Semaphore::new(MAX_REQUESTS);
        let (held, numbers) = Default::default();
        Self { entering, clients: RwLock::new(clients), parameters, clock, held, numbers, places }
    }

    /// Takes other replicas from now on.
    pub fn set_clients(&self, clients: Replicas) {
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = clients;
    }

    fn who(&self, headers: &HeaderMap) -> Result<Registered, Refusal> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.known(header).cloned().ok_or_else(|| {
            let why = "no replica of this district: send Basic with its name and secret";
            Refusal(StatusCode::UNAUTHORIZED, "unknown_replica", why.into())
        })
    }

    fn answer(&self, word: &str, who: &Registered, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        match word {
            "begin" => bytes(&self.begin(who, &read(body)?)?),
            "compare" => bytes(&self.compare(who, &read(body)?)?),
            "bring" => bytes(&self.bring(who, read(body)?)?),
            "fetch" => bytes(&self.fetch(who, &read(body)?)?),
            "states" => bytes(&self.states(who, &read(body)?)?),
            _ => Err(Refusal(StatusCode::NOT_FOUND, "unknown_word", format!("there is no {word:?}"))),
        }
    }

    fn begin(&self, who: &Registered, asked: &Begin) -> Result<Begun, Refusal> {
        if asked.version != VERSION {
            let why = format!("this district speaks version {VERSION}: run the same version of aula on both");
            return Err(Refusal(StatusCode::CONFLICT, "version", why));
        }
        let (now, door) = ((self.clock)(), self.entering.door());
        let year = asked.year.map_or_else(|| SchoolYear::at(TimeMs(now)), SchoolYear);
        let (roster, of, genesis, making) = lent(door, |vault| {
            let identity = vault.identity()?;
            let (roster, of) = people::told(vault, year, &who.schools)?;
            let making = match asked.has_vault {
                true => None,
                false => Some(Making {
                    identity: serde_json::to_string(identity).unwrap_or_default(),
                    marks_key: *vault.marks_key()?.as_bytes(),
                }),
            };
            if people::digest(&roster) != asked.roster {
                // Listed before it leaves.
                let handles: BTreeSet<Handle> = of.iter().map(|one| one.handle).collect();
                vault.list_provided(&handles, &who.name, Provided::Place, now)?;
            }
            Ok((roster, of, identity.genesis.0, making))
        })?;
        let mut numbers = locked(&self.numbers).remove(who.name.as_str()).unwrap_or_default();
        let set = numbers.set(door, year, of);
        locked(&self.numbers).insert(who.name.to_string(), numbers);
        let (set, mut session) = (Arc::new(set?), [0; 16]);
        let drawn: [u8; 32] = Sha256::digest(aula_foreign::secret::drawn().as_bytes()).into();
        session.copy_from_slice(&drawn[..16]);
        let root = set.root();
        locked(&self.held).insert(who.name.to_string(), Held { session, year, set });
        Ok(Begun {
            session,
            genesis,
            year: year.0,
            sources: who.feeds.iter().map(|source| source.0).collect(),
            roster: (people::digest(&roster) != asked.roster).then_some(roster),
            making,
            root,
        })
    }

    fn held(&self, who: &Registered, session: Session) -> Result<(SchoolYear, Arc<Set>), Refusal> {
        let held = locked(&self.held);
        let found = held.get(who.name.as_str()).filter(|held| held.session == session);
        found.map(|held| (held.year, held.set.clone())).ok_or_else(|| {
            Refusal(StatusCode::CONFLICT, "session_over", "this levelling is over: begin another".into())
        })
    }

    fn compare(&self, who: &Registered, asked: &Compare) -> Result<Compared, Refusal> {
        let (_, set) = self.held(who, asked.session)?;
        if asked.parts.len() > MAX_ASKED {
            return Err(Refusal::malformed(format!("ask for at most {MAX_ASKED} parts")));
        }
        Ok(Compared { said: asked.parts.iter().map(|part| say(&set.ids, *part)).collect() })
    }

    fn bring(&self, who: &Registered, brought: Bring) -> Result<Brought, Refusal> {
        let (year, _) = self.held(who, brought.session)?;
        let Rows { students, rows } = brought.rows;
        if rows.len() > MAX_ROWS {
            return Err(Refusal::malformed(format!("bring at most {MAX_ROWS} events at once")));
        }
        let mut fates = vec![Fate::Refused; rows.len()];
        let (come, at) = lent(self.entering.door(), |vault| {
            let (keys, mut people) = (vault.feed_keys()?, People::default());
            let (mut come, mut at) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
            for ((n, row), fate) in rows.into_iter().enumerate().zip(&mut fates) {
                let Some(event) = checked(who, &keys, &row) else { continue };
                let id = students.get(usize::from(row.student)).map(String::as_str).unwrap_or_default();
                let Some(handle) = people.find(vault, id, event.key.stamp.wall_ms())? else {
                    *fate = Fate::Unknown;
                    continue;
                };
                let own = vault.keystore().student(&handle).is_some_and(|(own, _)| own == year);
                come.push(Merging { handle, event, origin: row.origin });
                at.push((n, own));
            }
            Ok((come, at))
        })?;
        let merged = match come.is_empty() {
            true => Vec::new(),
            false => self.entering.level(Levelling { come, ..Levelling::default() })?,
        };
        for ((n, own), merged) in at.into_iter().zip(merged) {
            if let Some(fate) = fates.get_mut(n) {
                *fate = match (own, merged) {
                    // It is here, among another year's.
                    (false, _) | (_, Merged::Elsewhere) => Fate::Elsewhere,
                    (true, Merged::New | Merged::Replaced) => Fate::Taken,
                    (true, Merged::Known) => Fate::Known,
                };
            }
        }
        Ok(Brought { fates })
    }

    fn fetch(&self, who: &Registered, asked: &Fetch) -> Result<Rows, Refusal> {
        let (_, set) = self.held(who, asked.session)?;
        if asked.ids.len() > MAX_FETCHED {
            return Err(Refusal::malformed(format!("fetch at most {MAX_FETCHED} events at once")));
        }
        let mut by_student: BTreeMap<u32, (&Of, Vec<_>)> = BTreeMap::new();
        for (of, at) in asked.ids.iter().filter_map(|id| set.at(id)) {
            by_student.entry(at.student).or_insert_with(|| (of, Vec::new())).1.push(at.place);
        }
        let now = (self.clock)();
        let mut rows = Rows::default();
        lent(self.entering.door(), |vault| {
            // All listed before anything leaves; who was erased meanwhile has nothing that could.
            let handles: BTreeSet<Handle> = by_student.values().map(|(of, _)| of.handle).collect();
            let granted = vault.list_provided(&handles, &who.name, Provided::Events, now)?;
            for (of, places) in by_student.values().filter(|(of, _)| granted.contains(&of.handle)) {
                let events = vault.events_of(&of.handle)?;
                let student = u16::try_from(rows.students.len()).unwrap_or(u16::MAX);
                rows.students.push(of.id.clone());
                for place in places {
                    if let Some(kept) = events.get(place)? {
                        let (event, origin) = (kept.event.to_vec(), kept.origin.to_vec());
                        rows.rows.push(Row { student, event, origin });
                    }
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }

    fn states(&self, who: &Registered, asked: &States) -> Result<Stated, Refusal> {
        let (_, set) = self.held(who, asked.session)?;
        let (digest, params) = (self.parameters)().map_err(|why| {
            Refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                format!("the twins' parameters are not to be had: {why}"),
            )
        })?;
        Ok(Stated { parameters: digest, states: states(&self.entering, &set.students, &params)? })
    }
}

/// SHA-256 over each student's identifier and state, in the order of identifiers.
///
/// # Errors
/// [`Lent`].
pub fn states(entering: &Entering, students: &[Of], params: &Params) -> Result<[u8; 32], Lent> {
    let mut students: Vec<&Of> = students.iter().collect();
    students.sort_by(|one, other| one.id.cmp(&other.id));
    let mut hash = Sha256::new();
    for chunk in students.chunks(AT_ONCE) {
        let folded = lent(entering.door(), |vault| {
            let each = chunk.iter().map(|of| {
                let events = events_of(vault, &of.handle).map_err(|error| match error {
                    LiveError::Vault(error) => error,
                    LiveError::Event(error) => VaultError::Damaged(error.to_string()),
                })?;
                Ok(fold(&events, params).map(|state| state.snapshot()).unwrap_or_default())
            });
            each.collect::<Result<Vec<_>, VaultError>>()
        })?;
        for (of, state) in chunk.iter().zip(folded) {
            hash.update((of.id.len() as u64).to_le_bytes());
            hash.update(of.id.as_bytes());
            hash.update((state.len() as u64).to_le_bytes());
            hash.update(&state);
        }
    }
    Ok(hash.finalize().into())
}

/// An event that this replica may bring; none of bytes that are none, of another's feed, or at a place that its message does not give.
fn checked(who: &Registered, keys: &FeedKeys, row: &Row) -> Option<Event> {
    let event = Event::decode(&row.event).ok()?;
    let source = event.key.source;
    let own = match &event.body {
        EventBody::Correction { target, .. } => target.source == source,
        _ => true,
    };
    let fits = own && row.origin.len() <= MAX_ORIGIN_BYTES && who.feeds.contains(&source);
    (fits && mark_of(keys, &event, &row.origin).1).then_some(event)
}

fn read<T: BorshDeserialize>(body: &[u8]) -> Result<T, Refusal> {
    borsh::from_slice(body).map_err(|_| Refusal::malformed("the body is not what this word takes"))
}

fn bytes(value: &impl BorshSerialize) -> Result<Vec<u8>, Refusal> {
    borsh::to_vec(value).map_err(Refusal::malformed)
}

/// The routes.
pub fn router(served: Arc<Served>) -> Router {
    let routes = Router::new()
        .route("/replica/v1/{word}", post(asked))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(served);
    limited(routes)
}

async fn asked(State(served): State<Arc<Served>>, Path(word): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let who = match served.who(&parts.headers) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    let Ok(_place) = served.places.try_acquire() else {
        let why = format!("too many replicas level now: come again after {RETRY_S} s");
        return Refusal(StatusCode::SERVICE_UNAVAILABLE, "busy", why).into_response();
    };
    // A stranger's body is not read at all.
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        let why = format!("send at most {MAX_BODY_BYTES} bytes at once");
        return Refusal(StatusCode::PAYLOAD_TOO_LARGE, "too_large", why).into_response();
    };
    let own = served.clone();
    let answered = tokio::task::spawn_blocking(move || own.answer(&word, &who, &body)).await;
    match answered {
        Ok(Ok(bytes)) => (StatusCode::OK, [(CONTENT_TYPE, TYPE)], Bytes::from(bytes)).into_response(),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(_) => {
            Refusal(StatusCode::INTERNAL_SERVER_ERROR, "fault", "see the node's log".into()).into_response()
        }
    }
}
