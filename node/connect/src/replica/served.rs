//! The district's side: `POST /replica/v1/WORD` with `begin`, `compare`, `bring`, `fetch`, `stand`, `states`, and of records
//! `compare_records`, `bring_records`, `let_go`; borsh in, borsh out.
//!
//! Basic with the replica's name and secret. Refusals are `{"error":{"code","message"}}`: 400 `malformed`, 401 `unknown_replica`, 404
//! `unknown_word`, 408 `too_slow`, 409 `version` or `session_over` (begin again), 413 `too_large`, 500 `vault_refused`, 503 `busy` with
//! Retry-After. Invariants: a replica is told of its own schools' students only, each listed in the access log before anything of it
//! leaves; it brings what `judging` lets in; a levelling is of the registration that began it, one at a time, and ends by itself; it is of
//! the year of the newest roster, not of the calendar's, until whose roster comes nobody has left.
//! Absent: TLS, which a proxy ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aula_district::keep::fold;
use aula_district::live::{LiveError, events_of};
use aula_district::merge::Merged;
use aula_foreign::secret::drawn;
use aula_foreign::shelf::Shelf;
use aula_ledger::types::{Handle, SchoolYear, TimeMs};
use aula_lrs::store::levelling;
use aula_twin_runtime::params::Params;
use aula_vault::access::Provided;
use aula_vault::{Vault, VaultError};
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use super::clients::{Registered, Replicas};
use super::difference::{Id, MAX_ASKED, apart, say};
use super::entering::Entering;
use super::judging::{Judged, Judging};
use super::numbering::Numbering;
use super::people;
use super::places::Places;
use super::receiving::{Pages, receive};
use super::recorded::Recorded;
use super::records::{RecordSet, SealedRow};
use super::refusal::Refusal;
use super::scope::{Of, Set};
use super::wire::{
    Begin, Begun, Bring, BringRecords, Brought, Compare, Compared, DocumentFate, Fate, Fetch, LetGo, LetGone,
    MAX_BODY_BYTES, MAX_FETCHED, MAX_LET_GO, MAX_RECORDS_BYTES, MAX_ROWS, MAX_STANDING, Making,
    RecordsBrought, Row, Rows, Session, Stand, Stated, States, Stood, TYPE, VERSION,
};
use crate::door::{Lent, lent_in_a_moment};
use crate::strangers::limited;
use crate::taking::Levelling;
use crate::taking::records::tag_of;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a levelling may take, and how long what was numbered for a replica is of use, milliseconds.
const SESSION_MS: u64 = 60 * 60 * 1_000;
/// Levellings under way at most, one a replica: the set of each is in memory, and so is what was numbered. Of more replicas, the one that
/// asked longest ago makes room, and levels anew.
const MAX_SESSIONS: usize = 256;
/// Students whose states are folded in one borrowing of the vault.
const AT_ONCE: usize = 100;

/// The digest of the twins' parameters, and they.
pub type Parameters = Arc<dyn Fn() -> Result<([u8; 32], Params), String> + Send + Sync>;
/// Tells the time, milliseconds since 1970.
pub type Clock = fn() -> u64;

/// A levelling under way.
#[derive(Clone)]
struct Held {
    who: Registered,
    year: SchoolYear,
    set: Arc<Set>,
    records: Arc<RecordSet>,
}

/// The district's side.
pub struct Served {
    entering: Entering,
    clients: RwLock<Replicas>,
    parameters: Parameters,
    clock: Clock,
    held: Shelf<Held>,
    numbered: Numbering,
    recorded: Recorded,
    home_page: Option<String>,
    places: Places,
    patience: Duration,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served").field("entering", &self.entering).finish_non_exhaustive()
    }
}

impl Served {
    /// For these replicas.
    pub fn new(entering: Entering, clients: Replicas, parameters: Parameters, clock: Clock) -> Self {
        let (held, numbered) = (Shelf::new(MAX_SESSIONS), Numbering::of(MAX_SESSIONS));
        let (recorded, home_page, places, patience) =
            (Recorded::of(MAX_SESSIONS), None, Places::default(), PATIENCE);
        let clients = RwLock::new(clients);
        Self { entering, clients, parameters, clock, held, numbered, recorded, home_page, places, patience }
    }

    /// Takes records in for accounts of this home page, of replicas whose line names none; without one such replicas' are refused.
    #[must_use]
    pub fn of_home_page(mut self, home_page: Option<String>) -> Self {
        self.home_page = home_page;
        self
    }

    /// Waits so long for a body, instead of two minutes.
    #[must_use]
    pub fn waiting(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Takes other replicas from now on. Levellings of those whose line is another one end.
    pub fn set_clients(&self, clients: Replicas) {
        let now = (self.clock)();
        self.held.keep(now, |held| clients.has(&held.who));
        self.numbered.keep(|name| clients.names(name), (now, SESSION_MS));
        self.places.keep(|name| clients.names(name));
        self.recorded.keep(|name| clients.names(name), (now, SESSION_MS));
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = clients;
    }

    /// Lets go of levellings that nobody ended, and of what was numbered for replicas that do not come any more.
    pub fn forget(&self) {
        let now = (self.clock)();
        self.held.keep(now, |_| true);
        self.numbered.keep(|_| true, (now, SESSION_MS));
        self.recorded.keep(|_| true, (now, SESSION_MS));
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
            "stand" => bytes(&self.stand(who, &read(body)?)?),
            "states" => bytes(&self.states(who, &read(body)?)?),
            "compare_records" => bytes(&self.compare_records(who, &read(body)?)?),
            "bring_records" => bytes(&self.bring_records(who, read(body)?)?),
            "let_go" => bytes(&self.let_go(who, &read(body)?)?),
            _ => Err(Refusal(StatusCode::NOT_FOUND, "unknown_word", format!("there is no {word:?}"))),
        }
    }

    fn begin(&self, who: &Registered, asked: &Begin) -> Result<Begun, Refusal> {
        if asked.version != VERSION {
            let why = format!("this district speaks version {VERSION}: run the same version of aula on both");
            return Err(Refusal(StatusCode::CONFLICT, "version", why));
        }
        let now = (self.clock)();
        let today = SchoolYear::at(TimeMs(now));
        let told = lent_in_a_moment(self.entering.door(), |vault| {
            // A year begins here with its roster: before that nobody has left the one before, whatever the date.
            let year = match asked.year {
                Some(year) => SchoolYear(year),
                None => vault.newest_roster(today)?.unwrap_or(today),
            };
            if year > today && vault.keystore().all_handles().iter().all(|(_, own)| *own < year) {
                return Ok(None);
            }
            let identity = vault.identity()?;
            let (roster, of) = people::told(vault, year, &who.schools)?;
            let making = match asked.has_vault {
                true => None,
                false => Some(Making {
                    identity: serde_json::to_string(identity).unwrap_or_default(),
                    marks_key: *vault.marks_key()?.as_bytes(),
                }),
            };
            // Of a year that is named, events alone are levelled: nobody's place leaves, and nobody's is listed.
            let differs = asked.year.is_none() && people::digest(year, &roster) != asked.roster;
            if differs {
                // Listed before it leaves.
                let handles: BTreeSet<Handle> = of.iter().map(|one| one.handle).collect();
                vault.list_provided(&handles, &who.name, Provided::Place, now)?;
            }
            Ok(Some((year, differs.then_some(roster), of, identity.genesis.0, making)))
        })?;
        let Some((year, roster, of, genesis, making)) = told else {
            return Err(Refusal::malformed(format!("the school year is {} here", today.0)));
        };
        let name = who.name.as_str();
        let set = Arc::new(self.numbered.set(self.entering.door(), (name, year), of, now)?);
        let records = Arc::new(match asked.year {
            None => self.recorded.set(self.entering.door(), name, now)?,
            Some(_) => RecordSet::default(),
        });
        let of_records = if asked.year.is_none() { records.root() } else { [0; 32] };
        let (mut session, root) = ([0; 16], set.root());
        let digest: [u8; 32] = Sha256::digest(drawn().as_bytes()).into();
        session.copy_from_slice(&digest[..16]);
        // One a replica: whoever begins again ends what it began before.
        let (held, own) =
            (Held { who: who.clone(), year, set, records }, |other: &Held| other.who.name == who.name);
        self.held.put_over(&hex::encode(session), held, (now, SESSION_MS), (1, own));
        let sources = who.feeds.iter().map(|source| source.0).collect();
        Ok(Begun { session, genesis, year: year.0, sources, roster, making, root, records: of_records })
    }

    fn held(&self, who: &Registered, session: Session) -> Result<Held, Refusal> {
        let found = self.held.get(&hex::encode(session), (self.clock)());
        found.map(|(held, _)| held).filter(|held| held.who == *who).ok_or_else(Refusal::session_over)
    }

    fn compare(&self, who: &Registered, asked: &Compare) -> Result<Compared, Refusal> {
        said(&self.held(who, asked.session)?.set.ids, asked)
    }

    fn compare_records(&self, who: &Registered, asked: &Compare) -> Result<Compared, Refusal> {
        said(&self.held(who, asked.session)?.records.ids, asked)
    }

    fn bring_records(&self, who: &Registered, brought: BringRecords) -> Result<RecordsBrought, Refusal> {
        let year = self.held(who, brought.session)?.year;
        if let Err(over) = self.entering.room() {
            return Err(Refusal::busy(over));
        }
        let Some(home_page) = who.home_page.as_deref().or(self.home_page.as_deref()) else {
            tracing::warn!(
                replica = %who.name,
                "records are refused: give the replica's line a home_page, that of students' accounts in statements"
            );
            let documents = vec![DocumentFate::Is(Fate::Refused); brought.documents.len()];
            return Ok(RecordsBrought {
                statements: vec![Fate::Refused; brought.statements.len()],
                documents,
            });
        };
        let pages = Pages { own: home_page, district: self.home_page.as_deref() };
        receive(&self.entering, (who, pages), brought, (year, (self.clock)()))
    }

    fn let_go(&self, who: &Registered, asked: &LetGo) -> Result<LetGone, Refusal> {
        let set = self.held(who, asked.session)?.records;
        if asked.ids.len() > MAX_LET_GO {
            return Err(Refusal::malformed(format!("let go of at most {MAX_LET_GO} records at once")));
        }
        let rows: Vec<&SealedRow> = asked.ids.iter().filter_map(|id| set.row(id)).collect();
        let mut count = 0_u64;
        for some in rows.chunks(levelling::REWRITTEN) {
            let gone = lent_in_a_moment(self.entering.door(), |vault| {
                let mut keys = Vec::with_capacity(some.len());
                for (key, tag) in some {
                    // A document that was brought since lies where the one lay that the school has no more.
                    if tag_of(vault, key)? == Some(*tag) {
                        keys.push(key.clone());
                    }
                }
                levelling::let_go(vault, &vault.terms()?, who.name.as_str(), &keys)?;
                Ok(keys.len() as u64)
            })?;
            count = count.saturating_add(gone);
        }
        lent_in_a_moment(self.entering.door(), Vault::sync_rows)?;
        Ok(LetGone { count })
    }

    fn bring(&self, who: &Registered, brought: Bring) -> Result<Brought, Refusal> {
        let year = self.held(who, brought.session)?.year;
        let Rows { students, rows } = brought.rows;
        if rows.len() > MAX_ROWS {
            return Err(Refusal::malformed(format!("bring at most {MAX_ROWS} events at once")));
        }
        let mut fates = vec![Fate::Refused; rows.len()];
        let (come, at) = lent_in_a_moment(self.entering.door(), |vault| {
            let mut judging = Judging::of(vault, who)?;
            let (mut come, mut at) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
            for ((n, row), fate) in rows.into_iter().enumerate().zip(&mut fates) {
                let id = students.get(usize::from(row.student)).map(String::as_str).unwrap_or_default();
                match judging.judge(id, row)? {
                    Judged::Is(other) => *fate = other,
                    Judged::Comes(merging) => {
                        let student = vault.keystore().student(&merging.handle);
                        at.push((n, student.is_some_and(|(own, _)| own == year)));
                        come.push(merging);
                    }
                }
            }
            Ok((come, at))
        })?;
        let merged = match come.is_empty() {
            true => Vec::new(),
            false => self.entering.level(Levelling { come, ..Levelling::default() })?.fates,
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
        let set = self.held(who, asked.session)?.set;
        if asked.ids.len() > MAX_FETCHED {
            return Err(Refusal::malformed(format!("fetch at most {MAX_FETCHED} events at once")));
        }
        let mut by_student: BTreeMap<u32, (&Of, Vec<_>)> = BTreeMap::new();
        for (of, at) in asked.ids.iter().filter_map(|id| set.at(id)) {
            by_student.entry(at.student).or_insert_with(|| (of, Vec::new())).1.push(at.place);
        }
        let now = (self.clock)();
        let mut rows = Rows::default();
        lent_in_a_moment(self.entering.door(), |vault| {
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

    fn stand(&self, who: &Registered, asked: &Stand) -> Result<Stood, Refusal> {
        let year = self.held(who, asked.session)?.year;
        if asked.ids.len() > MAX_STANDING {
            return Err(Refusal::malformed(format!("ask for at most {MAX_STANDING} students at once")));
        }
        let stand = lent_in_a_moment(self.entering.door(), |vault| {
            let mut judging = Judging::of(vault, who)?;
            asked.ids.iter().map(|id| judging.stands(id, year)).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Stood { stand })
    }

    fn states(&self, who: &Registered, asked: &States) -> Result<Stated, Refusal> {
        let set = self.held(who, asked.session)?.set;
        let (digest, params) = (self.parameters)()
            .map_err(|why| Refusal::busy(format_args!("the twins' parameters are not to be had ({why})")))?;
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
        let folded = lent_in_a_moment(entering.door(), |vault| {
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

fn said(ids: &[Id], asked: &Compare) -> Result<Compared, Refusal> {
    if asked.parts.len() > MAX_ASKED {
        return Err(Refusal::malformed(format!("ask for at most {MAX_ASKED} parts")));
    }
    if !apart(&asked.parts) {
        return Err(Refusal::malformed("ask for parts that do not overlap, each of 16 digits at most"));
    }
    Ok(Compared { said: asked.parts.iter().map(|part| say(ids, *part)).collect() })
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
    let place = match served.places.take(who.name.as_str()) {
        Ok(place) => place,
        Err(taken) => return Refusal::busy(taken).into_response(),
    };
    // A stranger's body is not read at all, and nobody's for ever.
    let most = if word == "bring_records" { MAX_RECORDS_BYTES } else { MAX_BODY_BYTES };
    let body = match tokio::time::timeout(served.patience, to_bytes(body, most)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let why = format!("send at most {most} bytes at once");
            return Refusal(StatusCode::PAYLOAD_TOO_LARGE, "too_large", why).into_response();
        }
        Err(_) => {
            let why = format!("send a body within {} s: level again", served.patience.as_secs());
            return Refusal(StatusCode::REQUEST_TIMEOUT, "too_slow", why).into_response();
        }
    };
    let own = served.clone();
    let answered = tokio::task::spawn_blocking(move || {
        // Until the work is done, whether or not the replica is still there.
        let _place = place;
        own.answer(&word, &who, &body)
    })
    .await;
    match answered {
        Ok(Ok(bytes)) => (StatusCode::OK, [(CONTENT_TYPE, TYPE)], Bytes::from(bytes)).into_response(),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(_) => {
            Refusal(StatusCode::INTERNAL_SERVER_ERROR, "fault", "see the node's log".into()).into_response()
        }
    }
}
