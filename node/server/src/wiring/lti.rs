//! Launches from learning platforms: the tool of `aula-lti` over this node's vault, on a listener of its own.
//!
//! Flow: the platforms are read and the socket bound when the node starts → a launching user is matched with the vault's roster → a
//! student's dashboard opens in the frame, at the tool's own origin; progress is folded from the vault's events; the access log lists each
//! read first, under the platform's name. The
//! file of platforms is looked at every few seconds, keys are rotated when they are due. Absent: TLS, which a proxy ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aula_connect::door::{Lent, lent};
use aula_district::live::{LiveError, events_of};
use aula_home::Home;
use aula_home::config::{Config, Lti};
use aula_home::own_file::{self, Watch};
use aula_ingest::event::Kind;
use aula_ledger::access::Relation;
use aula_ledger::names::Name;
use aula_ledger::types::{Handle, SchoolYear, TimeMs};
use aula_lti::http::{Tool, router};
use aula_lti::keys::Keys;
use aula_lti::platform::{self, Platform};
use aula_lti::records::{Dashboards, NotTold, Opening, Page, Records, SectionFacts, StudentFacts};
use aula_lti::services::Services;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;
use aula_vault::access::ReaderRole;
use aula_vault::{LocalId, Vault, VaultError};
use aula_web::dashboard::{self, Grant, Hub};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use tokio::net::TcpListener;

use super::in_force::params;
use super::xapi::KeptDoor;
use aula_home::clock::now_ms;
use aula_home::{Advise, Failure};
use aula_store::ChainDb;
use aula_web::http::AppState;

#[cfg(test)]
mod tests;

/// How often the file of platforms is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How often keys are looked at.
const KEYS_EVERY: Duration = Duration::from_secs(3_600);
/// From which mastery a skill counts as mastered, of 10,000.
const MASTERED_E4: u16 = 8_500;
const HINT: &str = "correct [lti] in config.toml; docs/lti.md has an example";

/// Serves launches, where config.toml asks for it and the node has a vault.
///
/// # Errors
/// A file of platforms that is refused, a socket that cannot be bound, keys that cannot be used.
pub(super) async fn start(
    home: &Home,
    config: &Config,
    (node, db): (&Arc<AppState>, &ChainDb),
    hub: &Arc<Hub>,
) -> Result<(), Failure> {
    let (Some(lti), Some(door)) = (config.lti.clone(), KeptDoor::of(node)) else { return Ok(()) };
    let platforms = read(&lti.platforms)?;
    let now = now_ms();
    let keys = Keys::open(&home.path().join("lti"), now).advise("the tool's keys cannot be used", HINT)?;
    let services = Services::new().advise("there is no client for platforms", HINT)?;
    let shown = Arc::new(Shown { door: door.clone(), node: node.clone(), hub: hub.clone() });
    let records = Arc::new(OfVault { door, params: params(home, db)? });
    let tool = Tool::new(&lti.url, platforms, (keys, services), (records, now_ms));
    let tool = Arc::new(tool.with_dashboards(shown));
    let socket = TcpListener::bind(lti.listen).await;
    let socket = socket.advise(format!("launches cannot be listened for on {}", lti.listen), HINT)?;
    tracing::info!(listen = %lti.listen, url = lti.url, "launches are served below /lti");
    tokio::spawn(attend(tool.clone(), lti));
    let routes = router(tool).merge(dashboard::framed(node.clone(), hub.clone()));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(socket, routes).await {
            tracing::error!(%error, "launches are served no longer");
        }
    });
    Ok(())
}

/// The registered platforms, from a file of the operator's alone.
fn read(path: &Path) -> Result<Vec<Platform>, Failure> {
    let shown = path.display();
    let text = own_file::read(path).map_err(|error| Failure::because(error.to_string(), HINT))?;
    platform::read(&text).advise(format!("{shown} is refused"), HINT)
}

/// Takes other platforms when their file changes, and other keys when they are due, for as long as the node runs.
async fn attend(tool: Arc<Tool>, lti: Lti) {
    let (mut watch, mut looked) = (Watch::unread(&lti.platforms), tokio::time::Instant::now());
    loop {
        tokio::time::sleep(EVERY).await;
        if watch.is_due() {
            match read(&lti.platforms) {
                Ok(platforms) => {
                    watch.take();
                    tool.set_platforms(platforms);
                }
                Err(error) if watch.refuse() => {
                    tracing::warn!(error = error.message, "the platforms stay as they were");
                }
                Err(_) => {}
            }
        }
        if looked.elapsed() < KEYS_EVERY {
            continue;
        }
        looked = tokio::time::Instant::now();
        let own = tool.clone();
        match tokio::task::spawn_blocking(move || own.rotate()).await {
            Ok(Ok(false)) | Err(_) => {}
            Ok(Ok(true)) => tracing::info!("the tool's keys were replaced"),
            Ok(Err(error)) => tracing::warn!(%error, "the tool's keys stay as they were"),
        }
    }
}

/// Dashboards of students who launched.
struct Shown {
    door: KeptDoor,
    node: Arc<AppState>,
    hub: Arc<Hub>,
}

impl Dashboards for Shown {
    fn open(&self, opening: Opening, headers: HeaderMap) -> Page {
        let (door, node, hub) = (self.door.clone(), self.node.clone(), self.hub.clone());
        Box::pin(async move {
            let student_of = opening.student.clone();
            let found = tokio::task::spawn_blocking(move || {
                lent(&door, |vault| {
                    let Some(handle) = student(vault, &student_of)? else { return Ok(None) };
                    let year = vault.keystore().student(&handle).map(|(year, _)| year);
                    Ok(Some((vault.identity()?.district, handle)).zip(year))
                })
            });
            let refused =
                |status| (status, "the district's vault does not open this dashboard now").into_response();
            let ((district, handle), school_year) = match found.await {
                Ok(Ok(Some(found))) => found,
                Ok(Ok(None)) => return refused(StatusCode::FORBIDDEN),
                Ok(Err(Lent::Closed(_))) => return refused(StatusCode::SERVICE_UNAVAILABLE),
                Ok(Err(Lent::Vault(_))) | Err(_) => return refused(StatusCode::INTERNAL_SERVER_ERROR),
            };
            let Ok(reader) = Name::new(&opening.platform) else { return refused(StatusCode::FORBIDDEN) };
            let grant = Grant {
                district,
                school_year,
                handle,
                reader,
                role: ReaderRole::Student,
                link: None,
                framed_by: opening.framed_by,
                expires_ms: opening.until_ms,
            };
            dashboard::within(&node, &hub, grant, &headers).await
        })
    }
}

/// Records of the district's vault.
struct OfVault {
    door: KeptDoor,
    params: Params,
}

impl OfVault {
    fn ask<T>(&self, call: impl FnOnce(&Vault) -> Result<T, VaultError>) -> Result<T, NotTold> {
        lent(&self.door, call).map_err(|why| match why {
            Lent::Closed(_) => NotTold::Busy,
            Lent::Vault(error) => {
                tracing::warn!(%error, "a launch was told nothing");
                NotTold::Refused
            }
        })
    }
}

/// The student's handle of this school year, else the newest; none of nobody, or of one who was erased.
fn student(vault: &Vault, id: &str) -> Result<Option<Handle>, VaultError> {
    let Some(local) = LocalId::new(id) else { return Ok(None) };
    let found = match vault.find_in(&local, SchoolYear::at(TimeMs(now_ms())))? {
        Some(handle) => Some(handle),
        None => vault.keystore().find(&local),
    };
    match found {
        Some(handle) if vault.is_erased(&handle)? => Ok(None),
        found => Ok(found),
    }
}

impl Records for OfVault {
    fn is_student(&self, id: &str) -> Result<bool, NotTold> {
        self.ask(|vault| Ok(student(vault, id)?.is_some()))
    }

    fn student(&self, platform: &str, id: &str) -> Result<StudentFacts, NotTold> {
        let reader = Name::new(platform).map_err(|_| NotTold::Refused)?;
        let found = self.ask(|vault| {
            let Some(handle) = student(vault, id)? else { return Ok(None) };
            // Listed first: without the entry nothing is read.
            if !vault.list_service_read(&handle, &reader, now_ms())? {
                return Ok(None);
            }
            match events_of(vault, &handle) {
                Ok(events) => Ok(Some(events)),
                Err(LiveError::Vault(error)) => Err(error),
                Err(LiveError::Event(_)) => {
                    Err(VaultError::Damaged("an event in the vault is damaged".into()))
                }
            }
        })?;
        let events = found.ok_or(NotTold::Unknown)?;
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for kind in events.iter().filter_map(|event| Kind::of_body(&event.body)) {
            *kinds.entry(kind.name()).or_default() += 1;
        }
        let newest_ms = events.iter().map(|event| event.key.stamp.wall_ms()).max();
        let mut history = History::new(&self.params);
        history.add(events, &self.params);
        let skills = history.state().skills();
        let mastered = skills
            .iter()
            .filter(|entry| history.state().mastery(entry.skill, &self.params).level.e4() >= MASTERED_E4);
        Ok(StudentFacts {
            events: kinds.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect(),
            newest_ms,
            practised: skills.len() as u64,
            mastered: mastered.count() as u64,
        })
    }

    fn sections(&self, reader: &str) -> Result<Vec<SectionFacts>, NotTold> {
        let Ok(reader) = Name::new(reader) else { return Ok(Vec::new()) };
        let sections = self.ask(|vault| {
            let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (handle, name, relations) in vault.all_relations()? {
                let own = relations.iter().filter_map(|relation| match relation {
                    Relation::Section(section) if name == reader => Some(section.to_string()),
                    _ => None,
                });
                for section in own {
                    let entry = vault.roster_entry(&handle)?;
                    sections.entry(section).or_default().extend(entry.map(|entry| entry.local_id.clone()));
                }
            }
            Ok(sections)
        })?;
        let told = sections.into_iter().map(|(section, mut students)| {
            students.sort();
            SectionFacts { section, students }
        });
        Ok(told.collect())
    }
}
