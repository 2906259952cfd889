//! What sealing adds: who is erased is gone, the others keep theirs, reads are listed, nothing stands in clear.

use std::path::Path;

use super::*;
use crate::desk::{Brought, Desk, DeskError, Incoming, Papers, Sender, Sheet, Turn, Which};
use crate::documents::{Conditions, Demand, Kind};
use crate::json::read;
use crate::statements::Filter;
use crate::store::tests::{roster, vault};
use crate::version::Version;

struct World {
    folder: tempfile::TempDir,
    vault: Arc<Vault>,
    desk: Desk,
    students: Vec<Handle>,
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let (vault, students) = vault(folder.path());
    let vault = Arc::new(vault);
    let store = SealedStore::new(Box::new(vault.clone()), roster()).expect("a store");
    World { desk: Desk::new(Arc::new(store)).expect("a desk"), folder, vault, students }
}

fn student(number: u32) -> String {
    format!(
        r#"{{"name":"Student number {number}","account":{{"homePage":"http://example.org/students","name":"S-{number}"}}}}"#
    )
}

fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A statement of these students: the first acts on the second, the third instructs.
fn statement(number: u32, actor: &str, object: &str, instructor: &str) -> String {
    format!(
        r#"{{"id":"{}","actor":{actor},"verb":{{"id":"http://example.org/met"}},
            "object":{object},"context":{{"instructor":{instructor}}},
            "result":{{"response":"a response that stands nowhere in clear"}},
            "attachments":[{{"usageType":"http://example.org/u","display":{{"en":"a picture of everybody"}},
                "contentType":"text/plain","length":5,"sha2":"{}"}}]}}"#,
        id(number),
        "a".repeat(64)
    )
}

fn take(desk: &Desk, text: &str) {
    let statement = read(text.as_bytes()).expect("JSON");
    crate::validate::statement(&statement, Version::One).expect("a statement");
    let bytes = b"bytes of a picture".to_vec();
    let attachments = vec![Attachment { sha2: "a".repeat(64), content_type: "text/plain".into(), bytes }];
    let authority = read(br#"{"account":{"homePage":"http://localhost","name":"lms"}}"#).expect("JSON");
    let sender = Sender { client: "lms", authority: &authority, version: Version::One };
    desk.take(vec![Incoming { statement, attachments, raw: None }], sender).expect("taken");
}

impl World {
    fn take(&self, text: &str) {
        take(&self.desk, text);
    }

    fn one(&self, number: u32) -> Option<Json> {
        self.desk
            .one(Reader::Client("lms-east"), &id(number), false, None)
            .expect("read")
            .map(|(_, body)| body)
    }

    fn found(&self, term: Term) -> usize {
        let filter = Filter {
            terms: vec![term],
            after_us: None,
            until_us: None,
            order: Order::Ascending,
            limit: 100,
            from_us: None,
        };
        self.desk.find(Reader::Itself, &filter, None).expect("a page").statements.len()
    }

    fn agent(number: u32) -> Term {
        Term::AnyAgent(format!("account http://example.org/students S-{number}"))
    }

    fn holds(&self, text: &str) -> bool {
        fn any(folder: &Path, text: &[u8]) -> bool {
            std::fs::read_dir(folder).expect("a folder").any(|entry| {
                let path = entry.expect("an entry").path();
                match path.is_dir() {
                    true => any(&path, text),
                    false => std::fs::read(path).expect("a file").windows(text.len()).any(|own| own == text),
                }
            })
        }
        any(self.folder.path(), text.as_bytes())
    }
}

#[test]
fn the_others_keep_their_copy_without_who_was_erased() {
    let world = world();
    world.take(&statement(
        1,
        &student(0),
        &student(1).replacen('{', r#"{"objectType":"Agent","#, 1),
        &student(2),
    ));
    let before = world.one(1).expect("kept");
    assert_eq!(before.get("actor"), read(student(0).as_bytes()).ok().as_ref());
    assert!(before.get("attachments").is_some());
    world.vault.erase(&[world.students[0]], 1_780_000_000_001).expect("erased");
    let after = world.one(1).expect("the others'");
    let account = after.get("actor").and_then(|actor| actor.get("account")).expect("an opaque agent");
    assert_eq!(account.text_of("homePage"), Some("urn:aula:redacted"));
    assert_eq!(after.get("object"), before.get("object"));
    let context = after.get("context").expect("a context");
    assert_eq!(
        context.get("instructor"),
        before.get("context").and_then(|context| context.get("instructor"))
    );
    assert_eq!(
        context.get("extensions").and_then(|own| own.get("urn:aula:redacted")),
        Some(&Json::Bool(true))
    );
    assert!(after.get("attachments").is_none() && !after.to_string().contains("S-0"));
    assert!(!after.to_string().contains("Student number 0"));
    let place = world.desk.store().newest().expect("a place");
    assert!(world.desk.store().attachments(place).expect("read").is_empty());
    assert!(crate::validate::statement(&after, Version::One).is_ok(), "it is still a statement");
    // It is found by the others, and by him no more; sent again it does not bring him back.
    assert_eq!([0, 1, 2].map(|number| world.found(World::agent(number))), [0, 1, 1]);
    world.take(&statement(
        1,
        &student(0),
        &student(1).replacen('{', r#"{"objectType":"Agent","#, 1),
        &student(2),
    ));
    assert_eq!(world.one(1), Some(after));
    world.vault.erase(&world.students[1..3], 1_780_000_000_002).expect("erased");
    assert!(world.one(1).is_none());
}

#[test]
fn a_row_of_one_student_goes_with_him_and_so_do_his_documents() {
    let world = world();
    let teacher = r#"{"mbox":"mailto:teacher@example.org"}"#;
    let activity = r#"{"id":"http://example.org/a"}"#;
    world.take(&statement(1, &student(0), activity, teacher));
    world.take(&statement(2, &student(1), activity, teacher));
    let document = |number: u32| Key {
        shelf: Shelf {
            kind: Kind::AgentProfile,
            activity: None,
            agent: Some(format!("account http://example.org/students S-{number}")),
        },
        registration: None,
        id: "profile of somebody".into(),
    };
    for number in [0, 1] {
        let papers = Papers { content_type: "text/plain".into(), bytes: b"text of a profile".to_vec() };
        let free = (Conditions::default(), Demand::Free);
        world.desk.write(document(number), papers, Which::Put, &free.0, free.1).expect("written");
    }
    for text in
        ["a response that", "bytes of a picture", "S-0", "Student number", "text of a profile", "example.org"]
    {
        assert!(!world.holds(text), "{text} stands in clear");
    }
    world.vault.erase(&[world.students[0]], 1_780_000_000_001).expect("erased");
    assert_eq!([0, 1].map(|number| world.found(World::agent(number))), [0, 1]);
    assert!(world.one(1).is_none() && world.one(2).is_some());
    let read = |number| world.desk.document(Reader::Itself, &document(number)).expect("read").is_some();
    assert_eq!([read(0), read(1)], [false, true]);
}

#[test]
fn voiding_is_not_erasing() {
    let world = world();
    let activity = r#"{"id":"http://example.org/a"}"#;
    world.take(&statement(1, &student(0), activity, &student(1)));
    let void = format!(
        r#"{{"actor":{{"mbox":"mailto:teacher@example.org"}},"verb":{{"id":"{}"}},
            "object":{{"objectType":"StatementRef","id":"{}"}}}}"#,
        crate::validate::VOIDED,
        id(1)
    );
    world.take(&void);
    assert!(world.one(1).is_none());
    let voided = |world: &World| world.desk.one(Reader::Itself, &id(1), true, None).expect("read");
    assert!(voided(&world).is_some(), "it is kept");
    world.vault.erase(&world.students[..2], 1_780_000_000_001).expect("erased");
    assert!(voided(&world).is_none(), "erasing removes it");
}

#[test]
fn each_read_of_a_client_is_listed_and_names_it() {
    let world = world();
    world.take(&statement(1, &student(0), r#"{"id":"http://example.org/a"}"#, &student(1)));
    assert_eq!(world.vault.entries().expect("a log").len(), 0);
    world.one(1).expect("read");
    let entries = world.vault.entries().expect("a log");
    assert_eq!(entries.len(), 2, "one of each student");
    assert!(
        entries
            .iter()
            .all(|entry| entry.reader.as_str() == "lms-east" && world.students.contains(&entry.handle))
    );
}

#[test]
fn whom_the_roster_does_not_know_is_dropped_in_time() {
    let world = world();
    let stranger = r#"{"mbox":"mailto:stranger@example.org"}"#;
    world.take(&statement(1, stranger, r#"{"id":"http://example.org/a"}"#, stranger));
    world.take(&statement(2, &student(0), r#"{"id":"http://example.org/a"}"#, stranger));
    assert!(world.one(1).is_some());
    let day_ms = 86_400_000;
    assert_eq!(world.vault.drop_unassigned(now_ms() + 89 * day_ms).expect("dropped"), 0);
    assert_eq!(world.vault.drop_unassigned(now_ms() + 91 * day_ms).expect("dropped"), 1);
    assert!(world.one(1).is_none() && world.one(2).is_some());
}

#[test]
fn of_whoever_was_erased_meanwhile_a_replica_brings_nothing() {
    let world = world();
    let text = statement(1, &student(0), r#"{"id":"http://example.org/a"}"#, &student(1));
    let statement = read(text.as_bytes()).expect("JSON");
    let students = [0, 1].map(|number| format!("account http://example.org/students S-{number}"));
    let shelf = Shelf { kind: Kind::AgentProfile, activity: None, agent: Some(students[0].clone()) };
    let key = Key { shelf, registration: None, id: "pen".into() };
    let document = Document { content_type: "text/plain".into(), bytes: b"red".to_vec(), updated_us: 1 };
    let incoming = Incoming { statement, attachments: Vec::new(), raw: None };
    let brought = Brought { incoming, students: students.to_vec() };
    // Both were students when it was looked whose these are.
    world.vault.erase(&world.students[..1], now_ms()).expect("erased");
    let is_busy = |error: Option<DeskError>| matches!(error, Some(DeskError::Store(StoreError::Busy(_))));
    assert!(is_busy(world.desk.bring(vec![brought], "lincoln").err()));
    let sheet = Sheet { key: key.clone(), document, over_all: true };
    assert!(is_busy(world.desk.lay(vec![sheet], "lincoln").err()));
    assert_eq!(world.desk.store().count().expect("counted"), 0);
    assert!(world.desk.document(Reader::Itself, &key).expect("read").is_none());
}

#[test]
fn desks_of_one_turn_give_out_no_place_twice_and_keep_what_both_are_sent_once() {
    let (world, turn) = (world(), Turn::default());
    let desk = || {
        let store = SealedStore::new(Box::new(world.vault.clone()), roster()).expect("a store");
        Desk::new(Arc::new(store)).expect("a desk").in_turn(&turn)
    };
    let teacher = r#"{"mbox":"mailto:teacher@example.org"}"#;
    let activity = r#"{"id":"http://example.org/a"}"#;
    std::thread::scope(|scope| {
        for own in [1_000, 2_000] {
            let desk = desk();
            scope.spawn(move || {
                for number in 0..40 {
                    take(&desk, &statement(number, &student(0), activity, teacher));
                    take(&desk, &statement(own + number, &student(1), activity, teacher));
                }
            });
        }
    });
    assert_eq!(world.desk.store().count().expect("counted"), 120);
}
