//! A district that takes what is sent: its vault, its record store and its pipeline; and an order in which everything comes.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aula_district::import::events::{EventRules, Subject};
use aula_district::import::{compare, write};
use aula_ingest::date::Date;
use aula_ingest::event::xapi::Rules;
use aula_ingest::plan::{LedgerSchool, Schools};
use aula_ingest::{Input, read};
pub use aula_kit::Made;
use aula_kit::vault::{create, enrol};
use aula_ledger::types::SchoolYear;
use aula_lrs::desk::{Desk, DeskError, Incoming, Sender};
use aula_lrs::json::Json;
use aula_lrs::store::{Roster, SealedStore, StoreError};
use aula_lrs::version::Version;
use aula_twin_runtime::event::SkillId;
use aula_vault::imports::ImportNote;
use aula_vault::{Folders, Vault};
use bytes::Bytes;

use super::traffic::{HOME_PAGE, Sent, Size, Way, YEAR, drawn, rules, student};
use crate::given::{Feed, Form};
use crate::payload;
use crate::pipeline::{Busy, Pipeline, Settings};
use crate::statements::Statements;
use crate::testkit::{Shutter, plain_settings};

/// 30 November 2026: after everything that happened.
pub const NOW_MS: u64 = 1_796_000_000_000;
/// Most messages of a submission.
const AT_ONCE: u64 = 40;
const SPOOL_BYTES: u64 = 16 << 20;

/// What happens next.
#[derive(Debug, Clone)]
pub enum Step {
    /// These messages come.
    Send(Way, Vec<usize>),
    /// The OneRoster files come.
    OneRoster,
    /// The Ed-Fi export comes.
    EdFi,
    /// A command has the vault, for some steps.
    Shut,
    /// The vault is there again.
    Open,
    /// Everything stops after these messages were sent and before an answer was heard.
    Crash(Way, Vec<usize>),
}

/// Everything once, in an order of its own, with crashes when asked.
pub fn steps(messages: &[Sent], seed: u64, crashes: bool) -> VecDeque<Step> {
    let mut order: Vec<usize> = (0..messages.len()).collect();
    order.sort_by_key(|at| drawn(seed, *at as u64, 0));
    let mut waiting: BTreeMap<Way, Vec<usize>> = BTreeMap::new();
    let mut all = Vec::new();
    for at in order {
        let way = messages[at].way;
        let group = waiting.entry(way).or_default();
        group.push(at);
        if group.len() as u64 > drawn(seed, at as u64, 1) % AT_ONCE {
            all.push(Step::Send(way, std::mem::take(group)));
        }
    }
    all.extend(waiting.into_iter().map(|(way, group)| Step::Send(way, group)));
    let place = |kind: u64, of: usize| (drawn(seed, kind, 2) % (of as u64 + 1)) as usize;
    for (kind, step) in [(1, Step::OneRoster), (2, Step::EdFi)] {
        all.insert(place(kind, all.len()), step);
    }
    for kind in 3..6 {
        let from = place(kind, all.len().saturating_sub(6));
        all.insert(from, Step::Shut);
        all.insert((from + 5).min(all.len()), Step::Open);
    }
    if crashes {
        for kind in 6..9 {
            let at = place(kind, all.len() - 1);
            if let Some(Step::Send(way, group)) = all.get(at).cloned() {
                all.insert(at, Step::Crash(way, group));
            }
        }
    }
    all.push(Step::Open);
    all.into()
}

/// Makes a vault in which the first half of the students is enrolled.
pub fn found(folder: &Path, size: Size) -> Made<()> {
    let (_, vault) = create(folder, NOW_MS)?;
    let enrolled: Vec<String> = (0..size.students / 2).map(student).collect();
    enrol(&vault, &enrolled, SchoolYear(YEAR))?;
    // The key of marks: copies of this vault give a message the same place.
    vault.feed_keys()?;
    Ok(())
}

/// Copies a closed vault.
pub fn copy(from: &Path, to: &Path) -> Made<()> {
    std::fs::create_dir_all(to)?;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(std::fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

pub fn feed(way: Way) -> Made<Arc<Feed>> {
    Ok(Arc::new(Feed {
        home_page: HOME_PAGE.into(),
        rules: Rules::with(&rules())?,
        ..Feed::plain(way.name())?
    }))
}

/// A district at work.
pub struct Site {
    folder: PathBuf,
    size: Size,
    pub vault: Arc<Vault>,
    door: Arc<Shutter>,
    feeds: BTreeMap<Way, Arc<Feed>>,
    pub pipeline: Arc<Pipeline>,
    desk: Desk,
    /// Messages that were acknowledged from a spool.
    pub spooled: usize,
}

impl Site {
    pub fn open(folder: &Path, size: Size) -> Made<Self> {
        let vault = Arc::new(Vault::open(&Folders::below(folder))?);
        let door = Shutter::of(&vault, false);
        let feeds: BTreeMap<Way, Arc<Feed>> =
            Way::ALL.iter().map(|way| Ok((*way, feed(*way)?))).collect::<Made<_>>()?;
        let settings = Settings {
            spool: Some((folder.join("feeds"), SPOOL_BYTES)),
            ..plain_settings(feeds.values().cloned().collect())
        };
        let pipeline = Arc::new(Pipeline::start(door.clone(), settings)?);
        // The spools' key is known from the first message on.
        pipeline.submit_and_wait(Vec::new())?;
        let roster = Roster { home_page: HOME_PAGE.into(), unassigned_days: 90 };
        let store = SealedStore::new(Box::new(vault.clone()), roster)?;
        let listener = Statements::new(feeds[&Way::Learning].clone(), pipeline.clone());
        let desk = Desk::new(Arc::new(store))?.with_listener(Arc::new(listener));
        Ok(Self { folder: folder.to_owned(), size, vault, door, feeds, pipeline, desk, spooled: 0 })
    }

    fn reopened(self) -> Made<Self> {
        let (folder, size, spooled) = (self.folder.clone(), self.size, self.spooled);
        self.pipeline.stop();
        drop(self);
        Ok(Self { spooled, ..Self::open(&folder, size)? })
    }

    /// Takes every step; what is refused is sent again.
    pub fn run(mut self, messages: &[Sent], mut steps: VecDeque<Step>) -> Made<Self> {
        while let Some(step) = steps.pop_front() {
            match step {
                Step::Shut => self.door.shut.store(true, Ordering::SeqCst),
                Step::Open => self.door.shut.store(false, Ordering::SeqCst),
                Step::Send(way, group) => {
                    if !self.send(way, &group, messages)? {
                        self.door.shut.store(false, Ordering::SeqCst);
                        steps.push_front(Step::Send(way, group));
                    }
                }
                Step::Crash(way, group) => {
                    // Nobody hears the answer: the same messages come again.
                    self.send(way, &group, messages)?;
                    self = self.reopened()?;
                }
                Step::OneRoster => {
                    let files = self.size.one_roster();
                    self = self.imported("oneroster", files)?;
                }
                Step::EdFi => {
                    let files = self.size.ed_fi();
                    self = self.imported("edfi", files)?;
                }
            }
        }
        self.drained()?;
        Ok(self)
    }

    /// Waits until nothing lies in a spool.
    fn drained(&self) -> Made<()> {
        for _ in 0..2_000 {
            let state = self.pipeline.state();
            if state.queued == 0 && state.spooled_bytes == [0, 0] {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Err("the spools are not empty in time".into())
    }

    /// False when it was refused.
    fn send(&mut self, way: Way, group: &[usize], messages: &[Sent]) -> Made<bool> {
        if way == Way::Learning {
            return self.statements(group.iter().map(|at| &messages[*at].raw));
        }
        let (mut given, feed) = (Vec::new(), &self.feeds[&way]);
        for at in group {
            let (form, sender) = match way {
                Way::Register => (Form::Line, format!("district-7.registers/{}@{at}", at % 4)),
                _ => (Form::Frame, format!("tablet-{}", at % 9)),
            };
            payload::read(feed, form, &messages[*at].raw, &sender.into(), NOW_MS, &mut given);
        }
        match self.pipeline.submit_and_wait(given) {
            Ok(summary) => {
                self.spooled += summary.spooled;
                Ok(true)
            }
            Err(Busy::Queue | Busy::Closed | Busy::Full | Busy::Over) => Ok(false),
        }
    }

    fn statements<'a>(&self, raws: impl Iterator<Item = &'a Bytes>) -> Made<bool> {
        let incoming = raws.map(|raw| {
            let statement = aula_lrs::json::read(raw)?;
            aula_lrs::validate::statement(&statement, Version::Two).map_err(|why| why.to_string())?;
            Ok(Incoming { statement, attachments: Vec::new(), raw: Some(raw.clone()) })
        });
        let incoming = incoming.collect::<Made<Vec<_>>>()?;
        let account = [("homePage", Json::text(HOME_PAGE)), ("name", Json::text("lms-east"))];
        let authority = Json::object([("account", Json::object(account))]);
        let sender = Sender { client: "lms-east", authority: &authority, version: Version::Two };
        match self.desk.take(incoming, sender) {
            Ok(_) => Ok(true),
            Err(DeskError::Store(StoreError::Busy(_))) => Ok(false),
            Err(why) => Err(why.into()),
        }
    }

    /// An import, which has the vault to itself.
    fn imported(self, format: &str, files: Vec<Input>) -> Made<Self> {
        let (folder, size, spooled) = (self.folder.clone(), self.size, self.spooled);
        self.door.shut.store(false, Ordering::SeqCst);
        self.pipeline.stop();
        drop(self);
        {
            let vault = Vault::open(&Folders::below(&folder))?;
            let today = Date::of_ms(NOW_MS).ok_or("a day")?;
            let (_, reading) = read(files, None, None, today)?;
            let school = LedgerSchool { number: 31, name: String::new() };
            let schools = Schools::new(BTreeMap::new(), vault.local_schools()?, vec![school]);
            let plan = compare(&vault, SchoolYear(YEAR), &reading, &schools, true, |_| {})?;
            let note = ImportNote {
                import: 0,
                at_ms: NOW_MS,
                school_year: SchoolYear(YEAR),
                format: format.into(),
                rows: 0,
                students: 0,
                undone_ms: None,
            };
            let subjects = vec![Subject { word: "reading".into(), skill: SkillId(0) }];
            write(&vault, &plan, &note, &EventRules::new(None, subjects), |_| {})?;
        }
        Ok(Self { spooled, ..Self::open(&folder, size)? })
    }
}
