//! A district and a school's replica, two vaults over HTTP: apart, cut anywhere, late, twice, with other clocks; then the same bytes.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use aula_ledger::access::Relation;
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::{Handle, Hash, SchoolYear};
use aula_lrs::clients::Client;
use aula_twin_runtime::event::Event;
use aula_vault::imports::{ImportNote, StudentWrite};
use aula_vault::roster::RosterEntry;
use aula_vault::{Folders, LocalId, Vault};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use bytes::Bytes;
use std::sync::Arc;

use super::asking::{Levelled, Replica, make};
use super::clients;
use super::difference::Part;
use super::district::{District, LevelError};
use super::entering::Entering;
use super::people;
use super::scope::Of;
use super::served::{Served, router, states};
use super::wire::{Begin, Begun, Bring, Brought, Compare, Compared, Fate, Fetch, Row, Rows, VERSION};
use crate::door::Door;
use crate::given::{Feed, Form, Given};
use crate::pipeline::Pipeline;
use crate::testkit::{NOW_MS, Tested, World, plain_settings, reference};

mod hostile;
mod leaving;
mod lying;
mod mixed;
mod papers;
mod records;
mod turn;
mod voiding;

const YEAR: SchoolYear = SchoolYear(2025);
const GENESIS: [u8; 32] = [1; 32];
const DIGEST: [u8; 32] = [9; 32];
/// Accounts with this home page are students.
const HOME_PAGE: &str = "https://sis.example.org";

fn now() -> u64 {
    NOW_MS
}

/// Puts students on the roster: identifier, school, whether enrolled.
fn enrolled(vault: &Vault, students: &[(&str, u32, bool)]) -> Tested {
    enrolled_in(vault, YEAR, students)
}

fn enrolled_in(vault: &Vault, year: SchoolYear, students: &[(&str, u32, bool)]) -> Tested {
    let mut writes = Vec::new();
    for (id, school, enrolled) in students {
        let local = LocalId::new(id).ok_or("an identifier")?;
        let handle = vault.enrol(&[(local, year)])?[0];
        let place = RosterEntry {
            local_id: (*id).to_owned(),
            school: Some(*school),
            local_school: format!("o-{school}"),
            enrolled: *enrolled,
            modified_ms: 5,
        };
        let fields = vec![(FieldName::new("name")?, Some(format!("\"{id}\"").into_bytes()))];
        let ties = vec![(Name::new("t-1")?, vec![Relation::Section(Term::new("4-b")?)])];
        writes.push(StudentWrite { handle, roster: Some(place), fields, ties, events: Vec::new() });
    }
    let note = ImportNote {
        import: 0,
        at_ms: NOW_MS,
        school_year: year,
        format: "csv".into(),
        rows: 0,
        students: 0,
        undone_ms: None,
    };
    let schools = BTreeMap::from([("o-11".to_owned(), 11), ("o-12".to_owned(), 12)]);
    vault.import(&note, &schools, &writes)?;
    Ok(())
}

const STUDENTS: [(&str, u32, bool); 6] = [
    ("S-0", 11, true),
    ("S-1", 11, true),
    ("S-2", 11, true),
    ("S-3", 11, true),
    ("S-4", 12, true),
    ("S-5", 12, true),
];

/// How many more questions the district answers, and whether it does what the last one asks before it falls silent.
#[derive(Default)]
struct Cut {
    left: AtomicUsize,
    does: std::sync::atomic::AtomicBool,
}

struct Side {
    vault: Arc<Vault>,
    pipeline: Arc<Pipeline>,
    _root: tempfile::TempDir,
}

impl Side {
    fn of(
        root: tempfile::TempDir,
        vault: Arc<Vault>,
        feeds: &[Arc<Feed>],
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let door: Arc<dyn Door> = Arc::new(vault.clone());
        let settings = plain_settings(feeds.to_vec());
        Ok(Self { pipeline: Arc::new(Pipeline::start(door, settings)?), vault, _root: root })
    }

    fn entering(&self) -> Entering {
        Entering::new(Arc::new(self.vault.clone()), Some(self.pipeline.clone()))
    }

    async fn hear(
        &self,
        messages: Vec<Given>,
    ) -> Result<crate::pipeline::Summary, Box<dyn std::error::Error>> {
        Ok(self.pipeline.submit(messages)?.await??)
    }

    fn students(&self, schools: &[u32]) -> Result<Vec<Of>, Box<dyn std::error::Error>> {
        Ok(people::told(&self.vault, YEAR, schools)?.1)
    }

    fn events(&self, id: &str) -> Result<Vec<Event>, Box<dyn std::error::Error>> {
        self.events_in(id, YEAR)
    }

    fn events_in(&self, id: &str, year: SchoolYear) -> Result<Vec<Event>, Box<dyn std::error::Error>> {
        let local = LocalId::new(id).ok_or("an identifier")?;
        let handle = self.vault.find_in(&local, year)?.ok_or("nobody")?;
        Ok(aula_district::live::events_of(&self.vault, &handle)?)
    }

    fn states(&self) -> Result<[u8; 32], Box<dyn std::error::Error>> {
        Ok(states(&self.entering(), &self.students(&[11])?, &reference())?)
    }

    /// The live twins are the fold of the vault's events.
    fn live_is_the_fold(&self, schools: &[u32]) -> Tested {
        for of in self.students(schools)? {
            let events = aula_district::live::events_of(&self.vault, &of.handle)?;
            let Some(brute) = aula_district::keep::fold(&events, &reference()) else { continue };
            // The folder is a thread of its own: an empty levelling waits behind what was handed on.
            for _ in 0..500 {
                let live = self
                    .pipeline
                    .twins()
                    .lock()
                    .map_err(|_| "held")?
                    .get(&of.handle)
                    .map(|twin| twin.snapshot());
                if live.as_ref().is_none_or(|live| *live == brute.snapshot()) {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            let live =
                self.pipeline.twins().lock().map_err(|_| "held")?.get(&of.handle).map(|twin| twin.snapshot());
            assert!(live.is_none_or(|live| live == brute.snapshot()), "a live twin is not its fold");
        }
        Ok(())
    }
}

/// The root of a district that has no records of a replica.
fn no_records() -> [u8; 32] {
    super::difference::root(&[])
}

/// The replica lincoln, registered with a secret, schools and feeds.
fn registered(
    secret: &str,
    schools: &str,
    feeds: &str,
) -> Result<clients::Replicas, Box<dyn std::error::Error>> {
    all_registered(&["lincoln"], (secret, schools, feeds))
}

/// Replicas that are registered alike.
fn all_registered(
    names: &[impl AsRef<str>],
    (secret, schools, feeds): (&str, &str, &str),
) -> Result<clients::Replicas, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (file, hash) = (folder.path().join("replicas.toml"), hex::encode(Client::hash(secret.as_bytes())));
    let line = |name: &str| {
        format!(
            "[[replica]]\nname = \"{name}\"\nsecret_sha256 = \"{hash}\"\nschools = {schools}\nfeeds = {feeds}\n"
        )
    };
    std::fs::write(&file, names.iter().map(|name| line(name.as_ref())).collect::<String>())?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    Ok(clients::read(&file)?)
}

struct Apart {
    district: Side,
    school: Side,
    served: Arc<Served>,
    url: String,
    cut: Arc<Cut>,
    lincoln: Arc<Feed>,
    central: Arc<Feed>,
}

impl Apart {
    async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        Self::at(now).await
    }

    /// By another clock of the district's.
    async fn at(clock: super::served::Clock) -> Result<Self, Box<dyn std::error::Error>> {
        let (lincoln, central) = (Arc::new(Feed::plain("lincoln")?), Arc::new(Feed::plain("central")?));
        let World { root, vault, .. } = World::new()?;
        enrolled(&vault, &STUDENTS)?;
        let known = registered("s", "[11]", "[\"lincoln\"]")?;
        let district = Side::of(root, vault, &[lincoln.clone(), central.clone()])?;
        let parameters: super::served::Parameters = Arc::new(|| Ok((DIGEST, reference())));
        let served = Served::new(district.entering(), known, parameters, clock);
        let served = Arc::new(served.of_home_page(Some(HOME_PAGE.into())));
        let cut = Arc::new(Cut { left: usize::MAX.into(), ..Cut::default() });
        let own = cut.clone();
        let cutting = from_fn(move |request: Request, next: Next| {
            let own = own.clone();
            async move {
                let left =
                    own.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                if left.is_ok() {
                    return next.run(request).await;
                }
                if own.does.load(Ordering::SeqCst) {
                    next.run(request).await;
                }
                StatusCode::BAD_GATEWAY.into_response()
            }
        });
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", socket.local_addr()?);
        let routes = router(served.clone()).layer(cutting);
        tokio::spawn(async move { axum::serve(socket, routes).await });
        let root = tempfile::tempdir()?;
        let speaking = District::with(&url, ("lincoln".into(), "s".into()), None)?;
        make(&speaking, &Folders::below(root.path()), (GENESIS, NOW_MS)).await?;
        let vault = Arc::new(Vault::open(&Folders::below(root.path()))?);
        let school = Side::of(root, vault, std::slice::from_ref(&lincoln))?;
        Ok(Self { district, school, served, url, cut, lincoln, central })
    }

    fn speaking(&self) -> Result<District, LevelError> {
        let speaking = District::with(&self.url, ("lincoln".into(), "s".into()), None);
        speaking.map_err(|error| LevelError::File(error.to_string()))
    }

    /// A levelling by a process that knows nothing of any before.
    async fn level(&self) -> Result<Levelled, LevelError> {
        let speaking = self.speaking()?;
        let mut replica = Replica::new(self.school.entering(), vec![self.lincoln.clone()]);
        replica.level(&speaking, (GENESIS, NOW_MS), Some((DIGEST, reference()))).await
    }
}

/// A message, heard at some moment by some clock.
fn message(feed: &Arc<Feed>, received_ms: u64, text: String) -> Result<Given, &'static str> {
    Given::read(feed, Form::Line, Bytes::from(text), (&Arc::from("tablet"), 1), received_ms)
        .ok_or("a message")
}

/// Messages of the students of `from..to`, every seventh corrected later, every eleventh deleted; in reverse, so that all are late.
fn term(feed: &Arc<Feed>, (from, to): (u64, u64), received_ms: u64) -> Result<Vec<Given>, &'static str> {
    let mut all = Vec::new();
    for n in (from..to).rev() {
        let (at, student, right) = (NOW_MS - 86_400_000 + n * 1_000, n % 4, n.is_multiple_of(3));
        let name = &feed.name;
        all.push(message(
            feed,
            received_ms,
            format!(
                r#"{{"id":"{name}-{n}","at":{at},"student":"S-{student}","event":{{"kind":"response","item":{n},"skills":[{}],"correct":{right},"duration_ms":900}}}}"#,
                n % 5
            ),
        )?);
        let amended = match (n % 7, n % 11) {
            (3, _) => format!(
                r#"{{"kind":"correction","of":"{name}-{n}","instead":{{"kind":"response","item":{n},"skills":[9],"correct":true,"duration_ms":900}}}}"#
            ),
            (_, 5) => format!(r#"{{"kind":"deletion","of":"{name}-{n}"}}"#),
            _ => continue,
        };
        all.push(message(
            feed,
            received_ms,
            format!(r#"{{"id":"a-{name}-{n}","at":{at},"event":{amended}}}"#),
        )?);
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn apart_and_level_again_both_have_the_same_bytes_for_what_the_difference_costs() -> Tested {
    let world = Apart::new().await?;
    world.district.hear(term(&world.central, (0, 300), NOW_MS)?).await?;
    let first = world.level().await?;
    assert_eq!((first.level, first.students, first.enrolled, first.sent), (true, 4, 4, 0));
    assert_eq!(first.same_states, Some(true));
    // Apart: the school hears its tablets, by a clock an hour behind; some reach the district as well, later; the district goes on.
    let heard = term(&world.lincoln, (0, 400), NOW_MS - 3_600_000)?;
    let new = world.school.hear(heard.clone()).await?.new;
    world.school.hear(heard).await?;
    world.district.hear(term(&world.lincoln, (100, 160), NOW_MS + 900_000)?).await?;
    world.district.hear(term(&world.central, (300, 350), NOW_MS)?).await?;
    assert!(new > 400 && world.school.states()? != world.district.states()?);
    let level = world.level().await?;
    assert!(level.level && level.refused == 0, "{level:?}");
    assert_eq!(level.same_states, Some(true));
    assert_eq!(world.school.states()?, world.district.states()?);
    for student in 0..4 {
        let id = format!("S-{student}");
        assert_eq!(
            world.school.events(&id)?,
            world.district.events(&id)?,
            "{id}: the same events, byte for byte"
        );
    }
    world.school.live_is_the_fold(&[11])?;
    world.district.live_is_the_fold(&[11, 12])?;
    // Nothing is left: one question, and what it costs is the same however much both have.
    let again = world.level().await?;
    assert_eq!((again.sent, again.received, again.removed, again.level), (0, 0, 0, true));
    assert!(again.bytes_sent + again.bytes_received < 600, "{again:?}");
    // What was heard in the meantime costs by how much it is.
    let mut costs = Vec::new();
    for (from, to) in [(1_000, 1_001), (2_000, 2_010), (3_000, 3_100)] {
        let new = world.school.hear(term(&world.lincoln, (from, to), NOW_MS)?).await?.new;
        let did = world.level().await?;
        assert_eq!((did.sent, did.level), (new as u64, true), "{did:?}");
        costs.push((new as u64, did.bytes_sent + did.bytes_received));
    }
    for (events, bytes) in &costs {
        assert!(*bytes < 4_000 + 900 * events, "{costs:?}");
    }
    // A message that was sent to both again is known to both.
    let twice = term(&world.lincoln, (0, 400), NOW_MS)?;
    assert_eq!(world.district.hear(twice.clone()).await?.new, 0);
    assert_eq!(world.school.hear(twice).await?.new, 0);
    // The district's counts say what the school brought.
    let note = crate::note::Note::of(&world.district.vault, world.lincoln.source.0, "lincoln")?;
    assert_eq!((note.feed.as_str(), note.events.get("response").copied()), ("lincoln", Some(511)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_levelling_that_is_cut_anywhere_is_finished_by_the_next() -> Tested {
    let world = Apart::new().await?;
    world.district.hear(term(&world.central, (0, 200), NOW_MS)?).await?;
    world.school.hear(term(&world.lincoln, (0, 200), NOW_MS)?).await?;
    // Nobody is on the school's roster yet: all of it waits as letters.
    let mut cuts = 0;
    for k in 0..60 {
        world.cut.left.store(k % 12, Ordering::SeqCst);
        // Every other time the district does what it is asked, and the answer is lost.
        world.cut.does.store(k % 2 == 1, Ordering::SeqCst);
        match world.level().await {
            Ok(did) if did.level => break,
            Ok(did) => return Err(format!("{did:?}").into()),
            Err(LevelError::Refused(502, ..)) => cuts += 1,
            Err(error) => return Err(error.into()),
        }
        // Meanwhile both hear more.
        let n = 5_000 + k as u64;
        world.school.hear(term(&world.lincoln, (n, n + 1), NOW_MS)?).await?;
        world.district.hear(term(&world.central, (n, n + 1), NOW_MS)?).await?;
    }
    assert!(cuts >= 4, "{cuts}");
    world.cut.left.store(usize::MAX, Ordering::SeqCst);
    let did = world.level().await?;
    assert_eq!((did.level, did.refused, did.same_states), (true, 0, Some(true)), "{did:?}");
    for student in 0..4 {
        let id = format!("S-{student}");
        assert_eq!(world.school.events(&id)?, world.district.events(&id)?, "{id}");
    }
    world.school.live_is_the_fold(&[11])?;
    world.district.live_is_the_fold(&[11])?;
    // Heard by either, each message stands once.
    assert_eq!(world.district.hear(term(&world.lincoln, (0, 200), NOW_MS)?).await?.new, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_leaves_or_is_erased_goes_at_the_school_and_nothing_that_was_heard_is_lost() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let heard = world.school.hear(term(&world.lincoln, (0, 80), NOW_MS)?).await?.new;
    // S-0 moves to the other school, S-1 is erased, S-4 comes.
    enrolled(&world.district.vault, &[("S-0", 12, true), ("S-4", 11, true)])?;
    let erased =
        world.district.vault.find_in(&LocalId::new("S-1").ok_or("an identifier")?, YEAR)?.ok_or("nobody")?;
    let own = world.district.events("S-1")?.len();
    world.district.vault.erase(&[erased], NOW_MS)?;
    // A tablet of a student who is not on the school's roster yet.
    let early = message(
        &world.lincoln,
        NOW_MS,
        format!(
            r#"{{"id":"early","at":{NOW_MS},"student":"S-4","event":{{"kind":"attendance","mark":"late"}}}}"#
        ),
    )?;
    assert_eq!(world.school.hear(vec![early]).await?.dead_letters, 1);
    let did = world.level().await?;
    assert_eq!((did.level, did.students, did.enrolled, did.erased), (true, 3, 1, 2), "{did:?}");
    assert_eq!((own, did.same_states), (0, Some(true)));
    let ids: Vec<String> = world.school.students(&[11])?.into_iter().map(|of| of.id).collect();
    assert_eq!(ids, ["S-2", "S-3", "S-4"]);
    assert!(world.school.events("S-0").is_err() && world.school.events("S-1").is_err());
    assert_eq!(world.district.events("S-4")?.len(), 1, "the letter became an event once its student came");
    let kept: usize = ["S-0", "S-2", "S-3"]
        .map(|id| world.district.events(id).map_or(0, |events| events.len()))
        .iter()
        .sum();
    let of_erased = term(&world.lincoln, (0, 80), NOW_MS)?
        .iter()
        .filter(|given| String::from_utf8_lossy(&given.raw).contains("S-1") || names_erased(given))
        .count();
    assert_eq!(kept, heard - of_erased, "all that was heard of the others");
    Ok(())
}

/// Whether an amendment is of a message of S-1.
fn names_erased(given: &Given) -> bool {
    let text = String::from_utf8_lossy(&given.raw).into_owned();
    let of =
        text.split("\"of\":\"lincoln-").nth(1).and_then(|rest| rest.split('"').next()?.parse::<u64>().ok());
    of.is_some_and(|n| n % 4 == 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_replica_is_told_of_its_own_students_and_brings_its_own_feeds_events() -> Tested {
    let world = Apart::new().await?;
    world.district.hear(term(&world.central, (0, 40), NOW_MS)?).await?;
    world.level().await?;
    // Each student whose events left is listed, under the replica's name; nobody else is.
    let entries = world.district.vault.entries()?;
    let told: std::collections::BTreeSet<Handle> = entries.iter().map(|entry| entry.handle).collect();
    let own: std::collections::BTreeSet<Handle> =
        world.district.students(&[11])?.into_iter().map(|of| of.handle).collect();
    assert_eq!(told, own);
    assert!(entries.iter().all(|entry| entry.reader.as_str() == "lincoln"));
    let events =
        entries.iter().filter(|entry| entry.fields.iter().any(|field| field.as_str() == "events")).count();
    assert_eq!(events, 4);
    let speaking = |secret: &str| District::with(&world.url, ("lincoln".into(), secret.into()), None);
    let begin = |version, year| Begin { version, has_vault: true, roster: [0; 32], year };
    let status = |error: Result<Begun, LevelError>| match error {
        Err(LevelError::Refused(status, code, _)) => (status, code),
        _ => (200, String::new()),
    };
    let asked = |who: District, what: Begin| async move { who.ask::<Begun>("begin", &what).await };
    assert_eq!(status(asked(speaking("t")?, begin(VERSION, None)).await), (401, "unknown_replica".into()));
    assert_eq!(status(asked(speaking("s")?, begin(VERSION + 1, None)).await), (409, "version".into()));
    let who = speaking("s")?;
    assert!(matches!(
        who.ask::<Begun>("end", &begin(VERSION, None)).await,
        Err(LevelError::Refused(404, ..))
    ));
    assert!(matches!(who.ask::<Begun>("begin", &7_u64).await, Err(LevelError::Refused(400, ..))));
    let begun: Begun = who.ask("begin", &begin(VERSION, None)).await?;
    assert!(begun.making.is_none(), "who has a vault is told no key");
    let roster = begun.roster.ok_or("no roster")?;
    assert!(roster.students.iter().all(|pupil| pupil.school == 11) && roster.students.len() == 4);
    assert!(matches!(
        who.ask::<Compared>("compare", &Compare { session: [0; 16], parts: vec![Part::ALL] }).await,
        Err(LevelError::Refused(409, code, _)) if code == "session_over"
    ));
    let session = begun.session;
    let many = Compare { session, parts: vec![Part::ALL; 3_000] };
    assert!(matches!(who.ask::<Compared>("compare", &many).await, Err(LevelError::Refused(400, ..))));
    let none: Rows = who.ask("fetch", &Fetch { session, ids: vec![[7; 16]; 3] }).await?;
    assert!(none.rows.is_empty());
    // Of a bring: what a message of its own feed made is taken; another feed's, a place of its own choosing, a stranger, rubbish are not.
    world.school.hear(term(&world.lincoln, (0, 1), NOW_MS)?).await?;
    let good = world
        .school
        .events("S-0")?
        .into_iter()
        .find(|event| event.key.source == world.lincoln.source)
        .ok_or("none")?;
    let origin = aula_district::origin::encode("lincoln-0", NOW_MS, "lincoln", "tablet", 1);
    let central = world
        .district
        .events("S-0")?
        .into_iter()
        .find(|event| event.key.source == world.central.source)
        .ok_or("none")?;
    let forged = Event {
        key: aula_twin_runtime::event::EventKey { sequence: good.key.sequence ^ 1, ..good.key },
        ..good.clone()
    };
    let row = |student, event: Vec<u8>| Row { student, event, origin: origin.clone() };
    let rows = vec![
        row(0, good.encode()),
        row(0, central.encode()),
        row(0, forged.encode()),
        row(1, good.encode()),
        row(2, good.encode()),
        row(0, b"rubbish".to_vec()),
        Row { origin: vec![0; 5_000], ..row(0, good.encode()) },
        row(9, good.encode()),
    ];
    let students = vec!["S-0".to_owned(), "nobody".to_owned(), "S-1".to_owned()];
    let answer: Brought = who.ask("bring", &Bring { session, rows: Rows { students, rows } }).await?;
    use Fate::{Elsewhere, Refused, Taken, Unknown};
    assert_eq!(answer.fates, [Taken, Refused, Refused, Unknown, Elsewhere, Refused, Refused, Unknown]);
    // A feed that the district does not know of: its events stay at the school, and that is told.
    let other = Arc::new(Feed::plain("unregistered")?);
    world.school.hear(term(&other, (0, 4), NOW_MS)?).await?;
    let mut replica = Replica::new(world.school.entering(), vec![world.lincoln.clone(), other.clone()]);
    let did = replica.level(&who, (GENESIS, NOW_MS), None).await?;
    assert!(!did.level && did.refused >= 4, "{did:?}");
    assert!(world.school.events("S-0")?.iter().any(|event| event.key.source == other.source));
    // Another chain's district is not this home's.
    let elsewhere = replica.level(&who, (Hash([2; 32]).0, NOW_MS), None).await;
    assert!(matches!(elsewhere, Err(LevelError::OtherChain)));
    // A replica that is registered no more is a stranger.
    world.served.set_clients(clients::Replicas::default());
    assert!(matches!(world.level().await, Err(LevelError::Refused(401, ..))));
    Ok(())
}
