//! The roster given to vendors: the provider of `aula-rosters` over this node's vault, on a listener of its own.
//!
//! Flow: the clients are read and the socket bound when the node starts → a question looks at the roster, which is read from the vault
//! once and kept until an import changes it, a minute at most → what leaves of whom is an entry of the access log first. The file of
//! clients is looked at every two seconds. Absent: TLS, which a proxy ends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aula_connect::clients;
use aula_connect::door::{Lent, lent};
use aula_connect::note::Note;
use aula_connect::strangers::limited;
use aula_district::event_place::place;
use aula_home::config::Config;
use aula_home::own_file::{self, OwnFileError};
use aula_ingest::date::Date;
use aula_ledger::access::Relation;
use aula_ledger::names::{FieldName, Name};
use aula_ledger::state::schema;
use aula_ledger::types::{DistrictId, Handle, SchoolYear, TimeMs};
use aula_rosters::provider::clients::Clients;
use aula_rosters::provider::http::{Provider, router};
use aula_rosters::provider::records::{
    Given, Key, NotGiven, Records, Roster, School, Score, Staff, Student, What,
};
use aula_twin_runtime::event::{Event, EventBody};
use aula_vault::access::{Placed, Provided};
use aula_vault::{Vault, VaultError};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::xapi::KeptDoor;
use aula_home::clock::now_ms;
use aula_home::{Advise, Failure};
use aula_store::ChainDb;
use aula_web::http::AppState;

mod scored;
#[cfg(test)]
mod tests;

use scored::Scored;

/// How often it is looked whether a roster in memory is of use still.
const EVERY: Duration = Duration::from_secs(2);
/// How long a roster is kept in memory at most: what no import wrote shows after it. Nobody's names stay there longer than that when
/// nobody asks.
const KEPT: Duration = Duration::from_secs(60);
/// Students whose results are opened in one borrowing of the vault.
const AT_ONCE: usize = 500;
const HINT: &str = "correct [oneroster] in config.toml; docs/rosters.md has an example";

/// Serves the roster, where config.toml asks for it and the node has a vault.
///
/// # Errors
/// A file of clients that is refused, a socket that cannot be bound.
pub(super) async fn start(
    config: &Config,
    (node, db): (&Arc<AppState>, &Arc<ChainDb>),
) -> Result<(), Failure> {
    let (Some(own), Some(door)) = (config.oneroster.clone(), KeptDoor::of(node)) else { return Ok(()) };
    let clients = read(&own.clients)?;
    let subjects = config.district.subject.iter().map(|own| (own.skill, own.word.clone())).collect();
    let records = Arc::new(OfVault {
        door,
        db: db.clone(),
        subjects,
        kept: Mutex::default(),
        scored: Mutex::default(),
    });
    let provider = Arc::new(Provider::new(&own.url, clients, records.clone(), now_ms));
    let socket = TcpListener::bind(own.listen).await;
    let socket = socket.advise(format!("the roster cannot be given on {}", own.listen), HINT)?;
    tracing::info!(listen = %own.listen, url = own.url, "the roster is given below /ims/oneroster");
    let (taker, again) = (provider.clone(), |file: &Path| read(file).map_err(|failure| failure.message));
    let take = move |clients| taker.set_clients(clients);
    tokio::spawn(clients::attend("the roster".into(), own.clients, again, take));
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            records.forget(KEPT);
        }
    });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(socket, limited(router(provider))).await {
            tracing::error!(%error, "the roster is given no longer");
        }
    });
    Ok(())
}

/// The clients, from a file of the operator's alone.
fn read(path: &Path) -> Result<Clients, Failure> {
    let shown = path.display();
    let text = own_file::read(path).map_err(|error| {
        let open = matches!(error, OwnFileError::Open(..));
        Failure::because(error.to_string(), if open { "draw new secrets then" } else { HINT })
    })?;
    let clients = Clients::read(&text).advise(format!("{shown} is refused"), HINT)?;
    for name in clients.names() {
        Name::new(name).advise(format!("{name:?} in {shown} is not a name for the access log"), HINT)?;
    }
    Ok(clients)
}

/// Of which state of the vault something was read: opening, imports, undone last, handles, the calendar's school year.
type Stamp = (u64, usize, u64, usize, u16);

/// What was read last, and when somebody asked for it last.
#[derive(Default)]
struct Kept {
    stamp: Option<(Stamp, Instant)>,
    asked: Option<Instant>,
    roster: Arc<Roster>,
    scores: Option<Arc<Vec<Score>>>,
}

/// The district whose vault this node has.
struct OfVault {
    door: KeptDoor,
    db: Arc<ChainDb>,
    /// Words of subjects, by skill.
    subjects: BTreeMap<u16, String>,
    kept: Mutex<Kept>,
    /// Where scores stand among events.
    scored: Mutex<Scored>,
}

impl OfVault {
    fn ask<T>(&self, call: impl FnOnce(&Vault) -> Result<T, VaultError>) -> Result<T, NotGiven> {
        lent(&self.door, call).map_err(|why| match why {
            Lent::Closed(_) => NotGiven::Busy,
            Lent::Vault(error) => {
                tracing::warn!(%error, "a roster was not given");
                NotGiven::Refused
            }
        })
    }

    /// The roster as the vault has it now, kept until something changes.
    fn current(&self, kept: &mut Kept) -> Result<(), NotGiven> {
        let today = SchoolYear::at(TimeMs(now_ms()));
        let stamp = self.ask(|vault| {
            let imports = vault.imports()?;
            let undone = imports.iter().filter_map(|note| note.undone_ms).max().unwrap_or(0);
            Ok((vault.opening(), imports.len(), undone, vault.keystore().handles(), today.0))
        })?;
        kept.asked = Some(Instant::now());
        let fresh = kept.stamp.is_some_and(|(own, at)| own == stamp && at.elapsed() < KEPT);
        if fresh {
            return Ok(());
        }
        let read = self.ask(|vault| {
            let fields = ["name", "grade"].map(FieldName::new).into_iter().flatten().collect::<Vec<_>>();
            let imports = vault.imports()?.iter().map(|note| note.undone_ms.unwrap_or(note.at_ms)).max();
            // On the first day of a year nobody has left the one before: its roster has not come.
            let year = vault.newest_roster(today)?.unwrap_or(today);
            Ok(FromVault {
                year,
                district: vault.identity()?.district,
                placed: vault.placed(year, &fields)?,
                relations: vault.all_relations()?,
                schools: vault.local_schools()?,
                changed: vault.changed_by_imports()?,
                newest: imports.unwrap_or(0),
            })
        })?;
        let roster = made(&read, read.year, &self.names(read.district, read.year)?);
        (kept.stamp, kept.roster, kept.scores) = (Some((stamp, Instant::now())), Arc::new(roster), None);
        Ok(())
    }

    /// The names of the district and of its schools on the ledger.
    fn names(&self, district: DistrictId, year: SchoolYear) -> Result<Names, NotGiven> {
        let failed = |error| {
            tracing::warn!(%error, "the names of schools cannot be read");
            NotGiven::Refused
        };
        let view = self.db.latest();
        let of_district = schema::district(&*view, district).map_err(failed)?;
        let schools = schema::schools(&*view).map_err(failed)?;
        let own = schools.into_iter().filter(|school| school.district == district);
        let named = own.filter_map(|school| Some((school.id.0, school.name_in(year)?.as_str().to_owned())));
        let district = of_district.map_or_else(|| district.to_string(), |one| one.name.as_str().to_owned());
        Ok(Names { district, schools: named.collect() })
    }

    /// The results that feeds brought, which are events and no records: of no class.
    fn heard(&self, roster: &Roster) -> Result<Vec<Score>, NotGiven> {
        // Whole vaults are not looked through for none.
        let any = self.ask(|vault| {
            let notes = vault.source_notes()?;
            let count =
                |note: &Vec<u8>| serde_json::from_slice::<Note>(note).ok()?.events.get("assessment").copied();
            Ok(notes.iter().filter_map(count).any(|count| count > 0))
        });
        if !any? {
            return Ok(Vec::new());
        }
        let mut scored = self.scored.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut scores, mut handles) = (Vec::new(), BTreeSet::new());
        for students in roster.students.chunks(AT_ONCE) {
            scores.extend(self.ask(|vault| {
                let mut found = Vec::new();
                for student in students {
                    let Some((_, own)) = vault.keystore().student(&Handle(student.key)) else { continue };
                    let own = vault.keystore().handles_of(&own);
                    for (handle, _) in own {
                        if !vault.is_erased(&handle)? {
                            let events = scored.of(vault, &handle)?;
                            found.extend(
                                events.into_iter().filter_map(|event| self.score(student, &handle, event)),
                            );
                            handles.insert(handle);
                        }
                    }
                }
                Ok(found)
            })?);
        }
        scored.keep(&handles);
        Ok(scores)
    }

    fn score(&self, student: &Student, handle: &Handle, event: Event) -> Option<Score> {
        let EventBody::Assessment { skill, grade, score_e1, .. } = event.body else { return None };
        let subject = self.subjects.get(&skill.0).cloned().unwrap_or_else(|| format!("skill {}", skill.0));
        Some(Score {
            key: handle.0,
            student: student.id.clone(),
            record: format!("event:{}", hex::encode(place(&event.key))),
            title: format!("{subject}, grade {grade}"),
            score: serde_json::Number::from_f64(f64::from(score_e1) / 10.0),
            text: None,
            day: Date::of_ms(event.effective_ms())?.to_string(),
            given: None,
            changed_ms: event.effective_ms(),
        })
    }

    /// Lets go of what nobody has asked for in so long. Whoever is being answered has it until then.
    fn forget(&self, idle: Duration) {
        // Who holds it is asking.
        let Ok(mut kept) = self.kept.try_lock() else { return };
        if kept.asked.is_some_and(|asked| asked.elapsed() >= idle) {
            *kept = Kept::default();
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands on the ledger.
struct Names {
    district: String,
    schools: BTreeMap<u32, String>,
}

/// What stands in the vault.
struct FromVault {
    /// That of the newest roster.
    year: SchoolYear,
    district: DistrictId,
    placed: Vec<Placed>,
    relations: Vec<(Handle, Name, Vec<Relation>)>,
    schools: BTreeMap<String, u32>,
    changed: (BTreeMap<Handle, u64>, u64),
    newest: u64,
}

impl FromVault {
    fn changed(&self, handle: &Handle) -> u64 {
        self.changed.0.get(handle).copied().unwrap_or(0).max(self.changed.1)
    }
}

fn made(read: &FromVault, year: SchoolYear, names: &Names) -> Roster {
    let mut schools: BTreeMap<String, u32> = read.schools.clone();
    let of_year: BTreeSet<Handle> = read.placed.iter().map(|placed| placed.handle).collect();
    let mut sections: BTreeMap<Handle, BTreeSet<String>> = BTreeMap::new();
    let mut staff: BTreeMap<String, Staff> = BTreeMap::new();
    for (handle, reader, relations) in read.relations.iter().filter(|(handle, ..)| of_year.contains(handle)) {
        let own = staff.entry(reader.to_string()).or_default();
        for relation in relations {
            match relation {
                Relation::Section(section) => {
                    own.sections.insert(section.to_string());
                    sections.entry(*handle).or_default().insert(section.to_string());
                }
                Relation::School(school) => {
                    own.schools.insert(school.0);
                }
                Relation::Office | Relation::Own | Relation::Family => {}
            }
        }
    }
    staff.retain(|_, own| !own.sections.is_empty() || !own.schools.is_empty());
    let mut students = Vec::with_capacity(read.placed.len());
    for placed in &read.placed {
        let place = &placed.place;
        let school = place.school.map(|number| {
            let id =
                if place.local_school.is_empty() { number.to_string() } else { place.local_school.clone() };
            schools.insert(id.clone(), number);
            id
        });
        let field = |name: &str| {
            let found = placed.fields.iter().find(|(field, _)| field.as_str() == name)?;
            serde_json::from_slice::<serde_json::Value>(&found.1).ok()
        };
        students.push(Student {
            key: placed.handle.0,
            id: place.local_id.clone(),
            name: field("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default(),
            grade: field("grade").and_then(|grade| graded(&grade)),
            school,
            enrolled: place.enrolled,
            changed_ms: read.changed(&placed.handle),
            sections: sections.remove(&placed.handle).unwrap_or_default(),
        });
    }
    let named = schools.into_iter().map(|(id, number)| {
        let name = names.schools.get(&number).cloned().unwrap_or_else(|| id.clone());
        School { id, number, name }
    });
    Roster {
        district: read.district.0,
        district_name: names.district.clone(),
        year: year.0,
        changed_ms: read.newest,
        schools: named.collect(),
        students,
        staff: staff.into_iter().map(|(id, own)| Staff { id, ..own }).collect(),
    }
}

/// A grade in the words of CEDS, which OneRoster uses.
fn graded(grade: &serde_json::Value) -> Option<String> {
    match (grade.as_u64(), grade.as_str()) {
        (Some(0), _) => Some("KG".into()),
        (Some(number), _) => Some(format!("{number:02}")),
        (None, word) => word.map(str::to_owned),
    }
}

/// A result as imports keep it.
#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    instrument: String,
    #[serde(default)]
    measure: String,
    #[serde(default)]
    window: String,
    date: String,
    #[serde(default)]
    scores: BTreeMap<String, Value>,
    #[serde(default)]
    levels: BTreeMap<String, String>,
    /// Of a result of a class: its section, its line item there, and the days of that.
    #[serde(default)]
    class: Option<String>,
    #[serde(default)]
    item: Option<String>,
    #[serde(default)]
    assigned: Option<String>,
    #[serde(default)]
    due: Option<String>,
}

#[derive(Deserialize)]
struct Value {
    value: serde_json::Number,
}

/// The scores and levels of one record: one of a class has its score and its level together. None of one without a day, which the
/// standard wants.
fn scored(
    student: &Student,
    (handle, field, json): (Handle, FieldName, &[u8]),
    changed_ms: u64,
) -> Vec<Score> {
    let Ok(kind) = serde_json::from_slice::<Kind>(json) else { return Vec::new() };
    let given = kind.class.clone().zip(kind.item.clone()).map(|(class, item)| Given {
        class,
        item,
        assigned: kind.assigned.clone(),
        due: kind.due.clone(),
    });
    let of = |title: String, score: Option<serde_json::Number>, text: Option<String>| Score {
        key: handle.0,
        student: student.id.clone(),
        record: field.as_str().to_owned(),
        title,
        score,
        text,
        day: kind.date.clone(),
        given: given.clone(),
        changed_ms,
    };
    if given.is_some() {
        let score = kind.scores.values().next().map(|value| value.value.clone());
        return vec![of(kind.measure.clone(), score, kind.levels.values().next().cloned())];
    }
    let titled = |name: &str| {
        let parts = [&kind.instrument, &kind.measure, &kind.window].into_iter().map(String::as_str);
        let parts: Vec<&str> = parts.chain([name]).filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    };
    let scores = kind.scores.iter().map(|(name, value)| of(titled(name), Some(value.value.clone()), None));
    let levels = kind
        .levels
        .iter()
        .map(|(name, text)| of(titled(&format!("{name} (level)")), None, Some(text.clone())));
    scores.chain(levels).collect()
}

impl Records for OfVault {
    fn roster(&self) -> Result<Arc<Roster>, NotGiven> {
        let mut kept = self.kept();
        self.current(&mut kept)?;
        Ok(kept.roster.clone())
    }

    fn scores(&self) -> Result<Arc<Vec<Score>>, NotGiven> {
        let mut kept = self.kept();
        self.current(&mut kept)?;
        if let Some(scores) = &kept.scores {
            return Ok(scores.clone());
        }
        let roster = kept.roster.clone();
        let changed = self.ask(Vault::changed_by_imports)?;
        let mut scores = Vec::new();
        // In pieces: whoever else wants the vault has a turn between them.
        for students in roster.students.chunks(AT_ONCE) {
            let read = self.ask(|vault| {
                let mut read = Vec::new();
                for student in students {
                    let Some((_, own)) = vault.keystore().student(&Handle(student.key)) else { continue };
                    read.push((student, vault.results_of(&own)?));
                }
                Ok(read)
            })?;
            for (student, results) in read {
                for (handle, field, json) in results {
                    let at = changed.0.get(&handle).copied().unwrap_or(0).max(changed.1);
                    scores.extend(scored(student, (handle, field, &json), at));
                }
            }
        }
        scores.extend(self.heard(&roster)?);
        let scores = Arc::new(scores);
        kept.scores = Some(scores.clone());
        Ok(scores)
    }

    fn list(&self, client: &str, what: What, students: &BTreeSet<Key>) -> Result<BTreeSet<Key>, NotGiven> {
        let reader = Name::new(client).map_err(|_| NotGiven::Refused)?;
        let what = match what {
            What::Place => Provided::Place,
            What::Results => Provided::Results,
        };
        let handles: BTreeSet<Handle> = students.iter().map(|key| Handle(*key)).collect();
        let given = self.ask(|vault| vault.list_provided(&handles, &reader, what, now_ms()))?;
        Ok(given.into_iter().map(|handle| handle.0).collect())
    }
}
