//! Documents that a school's record store took in: the newest writing stays on both sides, and her own are home before a student goes.

use aula_lrs::desk::{Papers, Which};
use aula_lrs::documents::{Conditions, Demand, Document, Key, Kind, Shelf};
use aula_lrs::store::{Change, DocumentChange, Reader};
use aula_vault::rows::{Custody, NewRow, RowChange, TermSet};

use super::super::wire::{BringRecords, DocumentFate, DocumentRow, Paper, RecordsBrought};
use super::records::uuid;
use super::*;

type Failed = Box<dyn std::error::Error>;

const BEGIN: Begin = Begin { version: VERSION, has_vault: true, roster: [0; 32], year: None };
const UNIT: &str = "http://example.org/unit/1";

fn agent(id: &str) -> String {
    format!("account {HOME_PAGE} {id}")
}

pub(super) fn state(id: &str, name: &str) -> Key {
    let shelf = Shelf { kind: Kind::State, activity: Some(UNIT.into()), agent: Some(agent(id)) };
    Key { shelf, registration: Some(uuid(1)), id: name.into() }
}

fn profile(id: &str, name: &str) -> Key {
    let shelf = Shelf { kind: Kind::AgentProfile, activity: None, agent: Some(agent(id)) };
    Key { shelf, registration: None, id: name.into() }
}

impl Side {
    pub(super) fn write(&self, key: &Key, text: &str) -> Tested {
        let papers = Papers { content_type: "text/plain".into(), bytes: text.into() };
        let free = (Conditions::default(), Demand::Free);
        self.records()?.write(key.clone(), papers, Which::Put, &free.0, free.1)?;
        Ok(())
    }

    /// As a clock writes that is a year ahead.
    fn write_ahead(&self, key: &Key, text: &str) -> Tested {
        let updated_us = (aula_home::clock::now_ms() + 365 * 86_400_000) * 1_000;
        let document = Document { content_type: "text/plain".into(), bytes: text.into(), updated_us };
        let documents = vec![DocumentChange::Put(key.clone(), document)];
        self.records()?.store().apply(Change { documents, ..Change::default() })?;
        Ok(())
    }

    pub(super) fn text(&self, key: &Key) -> Result<Option<String>, Failed> {
        let found = self.records()?.document(Reader::Itself, key)?;
        Ok(found.map(|document| String::from_utf8_lossy(&document.bytes).into_owned()))
    }

    /// How often reads of a student's events were listed.
    fn listed_of(&self, id: &str) -> Result<usize, Failed> {
        let (handle, entries) = (self.handle(id)?, self.vault.entries()?);
        let own = entries.iter().filter(|entry| entry.handle == handle);
        Ok(own.filter(|entry| entry.fields.iter().any(|field| field.as_str() == "events")).count())
    }
}

/// What became of a document, in a word.
fn word(fate: &DocumentFate) -> String {
    match fate {
        DocumentFate::Is(fate) | DocumentFate::Has(fate, _) => format!("{fate:?}"),
        DocumentFate::Newer(_) => "Newer".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn of_a_document_the_newest_writing_stays_on_both_sides() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let (bookmark, pen) = (state("S-0", "bookmark"), profile("S-0", "pen"));
    for (key, text) in [(&bookmark, "page 1"), (&pen, "blue"), (&state("S-1", "bookmark"), "page 9")] {
        world.school.write(key, text)?;
    }
    let did = world.level().await?;
    assert_eq!((did.level, did.records, did.records_sent, did.records_received), (true, 3, 3, 0), "{did:?}");
    assert_eq!(world.district.text(&bookmark)?.as_deref(), Some("page 1"));
    assert_eq!(world.district.text(&pen)?.as_deref(), Some("blue"));
    assert_eq!(world.level().await?.requests, 2, "roots and states");
    // Written at the district since: listed, and it takes the school's place.
    world.district.write(&bookmark, "page 2")?;
    let before = world.district.listed_of("S-0")?;
    let did = world.level().await?;
    assert_eq!((did.level, did.records_sent, did.records_received), (true, 0, 1), "{did:?}");
    assert_eq!(world.school.text(&bookmark)?.as_deref(), Some("page 2"));
    assert_eq!(world.district.listed_of("S-0")?, before + 1);
    assert_eq!(world.level().await?.requests, 2);
    // Written on both sides: first here and then there, and the other way round.
    world.school.write(&bookmark, "page 3")?;
    world.district.write(&bookmark, "page 4")?;
    assert_eq!(world.level().await?.records_received, 1);
    world.district.write(&pen, "red")?;
    world.school.write(&pen, "green")?;
    assert_eq!(world.level().await?.records_sent, 1);
    for side in [&world.school, &world.district] {
        assert_eq!(side.text(&bookmark)?.as_deref(), Some("page 4"));
        assert_eq!(side.text(&pen)?.as_deref(), Some("green"));
    }
    // What is deleted at the school stays at the district: a new vault lacks it as well. It is not asked about again.
    world.school.records()?.remove(pen.clone(), &Conditions::default())?;
    assert!(world.level().await?.level);
    assert_eq!(world.level().await?.requests, 2);
    assert_eq!(world.district.text(&pen)?.as_deref(), Some("green"));
    // What only the district has does not come.
    world.district.write(&profile("S-1", "pen"), "black")?;
    assert!(world.level().await?.level);
    assert_eq!(world.school.text(&profile("S-1", "pen"))?, None);
    // Erased at the district, they go there; and at the school with its next levelling.
    world.district.vault.erase(&[world.district.handle("S-0")?], NOW_MS)?;
    assert_eq!(world.district.text(&bookmark)?, None);
    let did = world.level().await?;
    assert_eq!((did.level, did.erased), (true, 1), "{did:?}");
    assert_eq!(world.school.text(&bookmark)?, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_clock_that_is_ahead_undoes_nothing_that_is_written_later_on_either_side() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let bookmark = state("S-0", "bookmark");
    let both = |text: &str| -> Result<bool, Failed> {
        let (here, there) = (world.school.text(&bookmark)?, world.district.text(&bookmark)?);
        Ok(here.as_deref() == Some(text) && here == there)
    };
    // The school's is: what it wrote does not come back over what the district writes since.
    world.school.write_ahead(&bookmark, "page 1")?;
    assert_eq!(world.level().await?.records_sent, 1);
    world.district.write(&bookmark, "page 2")?;
    let did = world.level().await?;
    assert_eq!((did.level, did.records_sent, did.records_received), (true, 0, 1), "{did:?}");
    assert!(both("page 2")?);
    // Nor is what it writes since lost.
    world.school.write_ahead(&bookmark, "page 3")?;
    assert_eq!(world.level().await?.records_sent, 1);
    assert!(both("page 3")?);
    // The district's was: what the school writes over it is later.
    world.district.write_ahead(&bookmark, "page 4")?;
    assert_eq!(world.level().await?.records_received, 1);
    world.school.write(&bookmark, "page 5")?;
    let did = world.level().await?;
    assert_eq!((did.level, did.records_sent, did.records_received), (true, 1, 0), "{did:?}");
    assert!(both("page 5")?);
    world.district.write(&bookmark, "page 6")?;
    assert_eq!(world.level().await?.records_received, 1);
    assert!(both("page 6")?);
    assert_eq!(world.level().await?.requests, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_left_goes_once_her_documents_are_home_and_the_next_schools_are_not_told() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let bookmark = state("S-0", "bookmark");
    world.school.write(&bookmark, "page 1")?;
    enrolled(&world.district.vault, &[("S-0", 12, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.records_sent), (true, 1, 1), "{did:?}");
    assert_eq!(world.district.text(&bookmark)?.as_deref(), Some("page 1"));
    assert_eq!(world.school.text(&bookmark)?, None);
    // Whoever has the replica does not learn what the other school wrote.
    world.district.write(&bookmark, "page 50")?;
    let before = world.district.listed_of("S-0")?;
    let who = world.speaking()?;
    let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
    let paper = Paper { content_type: "text/plain".into(), bytes: b"page 1".to_vec(), updated_us: 1 };
    let row = DocumentRow {
        student: 0,
        agent: agent("S-0"),
        activity: Some(UNIT.into()),
        registration: Some(uuid(1)),
        id: "bookmark".into(),
        paper,
    };
    let bring =
        BringRecords { session, students: vec!["S-0".into()], statements: Vec::new(), documents: vec![row] };
    let answer: RecordsBrought = who.ask("bring_records", &bring).await?;
    assert_eq!(answer.documents.iter().map(word).collect::<Vec<_>>(), ["Known"]);
    assert_eq!(world.district.text(&bookmark)?.as_deref(), Some("page 50"));
    assert_eq!(world.district.listed_of("S-0")?, before, "nothing left");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_a_former_school_writes_over_nothing_that_others_wrote_of_who_moved() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let (bookmark, pen) = (state("S-0", "bookmark"), profile("S-0", "pen"));
    world.school.write(&bookmark, "page 1")?;
    world.school.write(&pen, "blue")?;
    assert_eq!(world.level().await?.records_sent, 2);
    // What she wrote last before she moved comes home: nobody wrote over what the school had brought.
    world.school.write(&pen, "red")?;
    enrolled(&world.district.vault, &[("S-0", 12, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.records_sent), (true, 1, 1), "{did:?}");
    assert_eq!(world.district.text(&pen)?.as_deref(), Some("red"));
    // What her next school writes stays, whenever the replica says that its own was written, and what it guesses of it is not its own.
    world.district.write(&bookmark, "page 50")?;
    let who = world.speaking()?;
    let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
    for text in ["page 51", "page 50", "page 52"] {
        let paper = Paper { content_type: "text/plain".into(), bytes: text.into(), updated_us: u64::MAX };
        let row = DocumentRow {
            student: 0,
            agent: agent("S-0"),
            activity: Some(UNIT.into()),
            registration: Some(uuid(1)),
            id: "bookmark".into(),
            paper,
        };
        let (students, statements, documents) = (vec!["S-0".into()], Vec::new(), vec![row]);
        let bring = BringRecords { session, students, statements, documents };
        let answer: RecordsBrought = who.ask("bring_records", &bring).await?;
        assert_eq!(answer.documents.iter().map(word).collect::<Vec<_>>(), ["Known"], "{text}");
        assert_eq!(world.district.text(&bookmark)?.as_deref(), Some("page 50"), "{text}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_newer_document_whose_coming_is_cut_comes_with_the_next_levelling_and_is_not_asked_about_again()
-> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let bookmark = state("S-0", "bookmark");
    world.school.write(&bookmark, "page 0")?;
    world.level().await?;
    world.cut.does.store(true, Ordering::SeqCst);
    for left in 0..8 {
        let text = format!("page {left} of the district's");
        world.district.write(&bookmark, &text)?;
        world.cut.left.store(left, Ordering::SeqCst);
        match world.level().await {
            Ok(_) | Err(LevelError::Refused(502, ..)) => {}
            Err(error) => return Err(error.into()),
        }
        world.cut.left.store(usize::MAX, Ordering::SeqCst);
        assert!(world.level().await?.level, "{left}");
        assert_eq!(world.school.text(&bookmark)?, Some(text), "{left}");
        assert_eq!(world.level().await?.requests, 2, "{left}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_document_that_does_not_say_where_it_lies_stays_and_keeps_its_student() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    // As stores wrote them before.
    let row = NewRow {
        key: [&[b'd'][..], &[7; 32]].concat(),
        is_first: true,
        own: vec![(world.school.handle("S-0")?, Vec::new())],
        custody: Custody::District,
        common: br#"{"registration":null,"id":"pen","type":"text/plain","updated":5,"bytes":""}"#.to_vec(),
        whole: Vec::new(),
        terms: TermSet::default(),
        keys: TermSet::default(),
        terms_of: Vec::new(),
        marks: Vec::new(),
    };
    world.school.vault.change_rows(&RowChange { put: vec![row], ..RowChange::default() })?;
    enrolled(&world.district.vault, &[("S-0", 12, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.records_refused), (false, 0, 1), "{did:?}");
    world
        .school
        .vault
        .change_rows(&RowChange { delete: vec![[&[b'd'][..], &[7; 32]].concat()], ..RowChange::default() })?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.records_refused), (true, 1, 0), "{did:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_a_replica_writes_no_document_but_its_own_students_and_none_that_stays_for_ever() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let theirs = state("S-4", "bookmark");
    world.district.write(&theirs, "page 7")?;
    let who = world.speaking()?;
    let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
    let row = |student: u16, agent: String, change: &dyn Fn(&mut DocumentRow)| {
        let paper =
            Paper { content_type: "text/plain".into(), bytes: b"mine".to_vec(), updated_us: u64::MAX };
        let (activity, registration, id) = (Some(UNIT.to_owned()), Some(uuid(1)), "bookmark".to_owned());
        let mut row = DocumentRow { student, agent, activity, registration, id, paper };
        change(&mut row);
        row
    };
    let documents = vec![
        row(0, agent("S-0"), &|_| {}),
        // Another school's; another's under the name of its own; nobody's; another home page's; no student's.
        row(1, agent("S-4"), &|_| {}),
        row(0, agent("S-4"), &|_| {}),
        row(2, agent("nobody"), &|_| {}),
        row(0, "account https://elsewhere.example.org S-0".into(), &|_| {}),
        row(0, "mbox mailto:teacher@example.org".into(), &|_| {}),
        row(9, agent("S-0"), &|_| {}),
        // What no store takes.
        row(0, agent("S-0"), &|row| row.activity = Some("unit".into())),
        row(0, agent("S-0"), &|row| row.activity = None),
        row(0, agent("S-0"), &|row| row.registration = Some("1".into())),
        row(0, agent("S-0"), &|row| row.id = "x".repeat(2_049)),
        row(0, agent("S-0"), &|row| row.paper.content_type = "none".into()),
        row(0, agent("S-0"), &|row| row.paper.content_type = "application/json".into()),
        row(0, agent("S-0"), &|row| row.paper.bytes = vec![0; (1 << 20) + 1]),
    ];
    let students = ["S-0", "S-4", "nobody"].map(str::to_owned).to_vec();
    let mut bring = BringRecords { session, students, statements: Vec::new(), documents };
    let answer: RecordsBrought = who.ask("bring_records", &bring).await?;
    let mut expected = vec!["Refused"; 14];
    (expected[0], expected[3]) = ("Taken", "Unknown");
    assert_eq!(answer.documents.iter().map(word).collect::<Vec<_>>(), expected);
    assert_eq!(world.district.text(&theirs)?.as_deref(), Some("page 7"));
    // It was written now, whenever it says: what is written there later stays.
    let own = state("S-0", "bookmark");
    assert_eq!(world.district.text(&own)?.as_deref(), Some("mine"));
    world.district.write(&own, "page 8")?;
    bring.documents = vec![row(0, agent("S-0"), &|row| row.paper.updated_us = 1)];
    let answer: RecordsBrought = who.ask("bring_records", &bring).await?;
    assert_eq!(answer.documents.iter().map(word).collect::<Vec<_>>(), ["Newer"]);
    assert_eq!(world.district.text(&own)?.as_deref(), Some("page 8"));
    Ok(())
}
