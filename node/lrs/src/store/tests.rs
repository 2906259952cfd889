//! What every store must do, tried on each; and the file's own promises.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::desk::{Desk, DeskError, Incoming, Papers, Sender, Which};
use crate::documents::{Conditions, Demand, Kind};
use crate::json::read;
use crate::statements::Filter;
use crate::version::Version;

fn sender(authority: &Json) -> Sender<'_> {
    Sender { client: "lms", authority, version: Version::One }
}

fn take(desk: &Desk, statements: &[String]) -> Result<Vec<String>, DeskError> {
    let authority = read(br#"{"account":{"homePage":"http://localhost","name":"lms"}}"#).expect("JSON");
    let incoming = statements.iter().map(|text| {
        let statement = read(text.as_bytes()).expect("JSON");
        crate::validate::statement(&statement, Version::One).expect("a statement");
        Incoming { statement, attachments: Vec::new(), raw: None }
    });
    desk.take(incoming.collect(), sender(&authority))
}

fn uuid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn did(number: u32, verb: &str) -> String {
    format!(
        r#"{{"id":"{}","actor":{{"mbox":"mailto:s{number}@example.org"}},"verb":{{"id":"http://example.org/{verb}"}},
            "object":{{"id":"http://example.org/a"}}}}"#,
        uuid(number)
    )
}

fn refers(number: u32, verb: &str, target: u32) -> String {
    did(number, verb).replace(
        r#"{"id":"http://example.org/a"}"#,
        &format!(r#"{{"objectType":"StatementRef","id":"{}"}}"#, uuid(target)),
    )
}

fn voids(number: u32, target: u32) -> String {
    refers(number, "x", target).replace("http://example.org/x", crate::validate::VOIDED)
}

fn filter(terms: Vec<Term>) -> Filter {
    Filter { terms, after_us: None, until_us: None, order: Order::Descending, limit: 100, from_us: None }
}

fn found(desk: &Desk, filter: &Filter) -> Vec<u32> {
    let page = desk.find(Reader::Itself, filter, None).expect("a page");
    let number =
        |json: &Json| json.text_of("id").and_then(|id| id.get(24..)?.parse().ok()).expect("a number");
    page.statements.iter().map(|(_, body)| number(body)).collect()
}

fn verb(word: &str) -> Term {
    Term::Verb(format!("http://example.org/{word}"))
}

/// A vault in a folder, with students 0 to 3 whose identifiers are S-0 to S-3.
pub(super) fn vault(folder: &std::path::Path) -> (aula_vault::Vault, Vec<aula_ledger::types::Handle>) {
    let (_, vault) = aula_kit::vault::create(folder, 1_780_000_000_000).expect("a vault");
    let ids = ["S-0", "S-1", "S-2", "S-3"];
    let handles =
        aula_kit::vault::enrol(&vault, &ids, aula_ledger::types::SchoolYear(2025)).expect("enrolled");
    (vault, handles)
}

pub(super) fn roster() -> Roster {
    Roster { home_page: "http://example.org/students".into(), unassigned_days: 90 }
}

/// Every store, each behind a desk.
fn each(test: impl Fn(&Desk)) {
    let folder = tempfile::tempdir().expect("a folder");
    let sealed =
        SealedStore::new(Box::new(Arc::new(vault(folder.path()).0)), roster()).expect("a sealed store");
    test(&Desk::new(Arc::new(sealed)).expect("a desk"));
    test(&Desk::new(Arc::new(MemoryStore::default())).expect("memory"));
    let folder = tempfile::tempdir().expect("a folder");
    test(
        &Desk::new(Arc::new(FileStore::open(&folder.path().join("records")).expect("a file")))
            .expect("a desk"),
    );
}

#[test]
fn the_same_statement_twice_is_one_and_another_one_of_its_id_a_conflict() {
    each(|desk| {
        let ids = take(desk, &[did(1, "v"), did(2, "v")]).expect("taken");
        assert_eq!(ids, [uuid(1), uuid(2)]);
        assert_eq!(take(desk, &[did(2, "v"), did(3, "v")]).expect("taken"), [uuid(2), uuid(3)]);
        assert!(
            matches!(take(desk, &[did(4, "v"), did(1, "w")]), Err(DeskError::Conflict(id)) if id == uuid(1))
        );
        assert!(matches!(take(desk, &[did(5, "v"), did(5, "v")]), Err(DeskError::Twice(_))));
        assert_eq!(found(desk, &filter(vec![verb("v")])), [3, 2, 1], "nothing of a refused batch is kept");
        assert_eq!(desk.store().count().expect("a count"), 3);
    });
}

#[test]
fn pages_go_on_where_they_ended_in_both_orders() {
    each(|desk| {
        take(desk, &(0..25).map(|number| did(number, "v")).collect::<Vec<_>>()).expect("taken");
        for (order, expected) in
            [(Order::Ascending, (0..25).collect::<Vec<u32>>()), (Order::Descending, (0..25).rev().collect())]
        {
            let (mut all, mut from_us) = (Vec::new(), None);
            loop {
                let one = Filter { order, limit: 10, from_us, ..filter(vec![verb("v")]) };
                let page = desk.find(Reader::Itself, &one, None).expect("a page");
                all.extend(found(desk, &one));
                from_us = page.more;
                // Statements that come while somebody reads do not shift the pages.
                if order == Order::Descending {
                    take(desk, &[did(100 + u32::try_from(all.len()).expect("few"), "v")]).expect("taken");
                }
                if from_us.is_none() {
                    break;
                }
            }
            assert_eq!(all, expected, "{order:?}");
        }
    });
}

#[test]
fn since_is_exclusive_and_until_inclusive() {
    each(|desk| {
        take(desk, &[did(1, "v"), did(2, "v"), did(3, "v")]).expect("taken");
        let page = desk.find(Reader::Itself, &filter(Vec::new()), None).expect("a page");
        let places: Vec<u64> = page.statements.iter().map(|(place, _)| *place).collect();
        let range = |after_us, until_us| found(desk, &Filter { after_us, until_us, ..filter(Vec::new()) });
        assert_eq!(range(Some(places[2]), None), [3, 2]);
        assert_eq!(range(None, Some(places[1])), [2, 1]);
        assert_eq!(range(Some(places[0]), None), [0u32; 0]);
    });
}

#[test]
fn a_voided_statement_is_hidden_in_whichever_order_they_come() {
    each(|desk| {
        take(desk, &[did(1, "v"), voids(2, 1)]).expect("taken");
        take(desk, &[voids(3, 4)]).expect("taken");
        take(desk, &[did(4, "v"), did(5, "v")]).expect("taken");
        take(desk, &[voids(6, 5)]).expect("taken");
        assert_eq!(found(desk, &filter(vec![Term::Activity("http://example.org/a".into())])), [6, 3, 2]);
        for id in [1, 4, 5] {
            assert!(desk.one(Reader::Itself, &uuid(id), false, None).expect("read").is_none());
            assert!(desk.one(Reader::Itself, &uuid(id), true, None).expect("read").is_some());
        }
        assert!(desk.one(Reader::Itself, &uuid(6), false, None).expect("read").is_some());
        assert!(matches!(take(desk, &[voids(7, 6)]), Err(DeskError::VoidsVoiding(_))));
    });
}

#[test]
fn who_refers_to_a_statement_is_found_by_what_that_one_is() {
    each(|desk| {
        // 3 refers to 2 refers to 1, and they come from the last to the first.
        take(desk, &[refers(3, "z", 2)]).expect("taken");
        take(desk, &[refers(2, "y", 1)]).expect("taken");
        take(desk, &[did(1, "v"), did(4, "v")]).expect("taken");
        take(desk, &[refers(5, "w", 1)]).expect("taken");
        assert_eq!(found(desk, &filter(vec![verb("v")])), [5, 4, 1, 2, 3]);
        assert_eq!(found(desk, &filter(vec![verb("y")])), [2, 3]);
        let own = Term::Agent("mbox mailto:s1@example.org".into());
        assert_eq!(found(desk, &filter(vec![own.clone(), verb("v")])), [5, 1, 2, 3]);
        // One verb of the one and an agent of the other is not a match.
        assert_eq!(found(desk, &filter(vec![own, verb("w")])), [0u32; 0]);
    });
}

#[test]
fn a_client_that_may_read_its_own_reads_its_own() {
    each(|desk| {
        take(desk, &[did(1, "v")]).expect("taken");
        let authority = read(br#"{"mbox":"mailto:x@example.org"}"#).expect("JSON");
        let statement = read(did(2, "v").as_bytes()).expect("JSON");
        let other = Sender { client: "other", ..sender(&authority) };
        desk.take(vec![Incoming { statement, attachments: Vec::new(), raw: None }], other).expect("taken");
        let page = desk.find(Reader::Itself, &filter(vec![verb("v")]), Some("other")).expect("a page");
        assert_eq!(page.statements.len(), 1);
        assert!(desk.one(Reader::Itself, &uuid(1), false, Some("other")).expect("read").is_none());
        assert!(desk.one(Reader::Itself, &uuid(2), false, Some("other")).expect("read").is_some());
    });
}

#[test]
fn definitions_of_activities_grow() {
    each(|desk| {
        for (number, definition) in
            [(1, r#"{"name":{"en":"A"},"type":"http://example.org/t"}"#), (2, r#"{"name":{"de":"Ä"}}"#)]
        {
            let id = r#"{"id":"http://example.org/a"#;
            let text =
                did(number, "v").replace(&format!("{id}\""), &format!("{id}\",\"definition\":{definition}"));
            take(desk, &[text]).expect("taken");
        }
        let known = desk.store().activity("http://example.org/a").expect("read").expect("known");
        assert_eq!(
            known,
            read(r#"{"name":{"en":"A","de":"Ä"},"type":"http://example.org/t"}"#.as_bytes()).expect("JSON")
        );
    });
}

fn key(agent: &str, registration: Option<u32>, id: &str) -> Key {
    let activity = Some("http://example.org/a".to_owned());
    let shelf = Shelf { kind: Kind::State, activity, agent: Some(agent.to_owned()) };
    Key { shelf, registration: registration.map(uuid), id: id.to_owned() }
}

#[test]
fn documents_lie_on_their_shelf() {
    each(|desk| {
        for key in [
            key("a", None, "one"),
            key("a", Some(1), "two"),
            key("b", None, "three"),
            key("a", Some(2), "four"),
        ] {
            let papers = Papers { content_type: "text/plain".into(), bytes: key.id.clone().into_bytes() };
            desk.write(key, papers, Which::Put, &Conditions::default(), Demand::Always)
                .expect_err("it must say so");
        }
        let new = Conditions { none_matches: Some("*".into()), ..Conditions::default() };
        for key in [
            key("a", None, "one"),
            key("a", Some(1), "two"),
            key("b", None, "three"),
            key("a", Some(2), "four"),
        ] {
            let papers = Papers { content_type: "text/plain".into(), bytes: key.id.clone().into_bytes() };
            desk.write(key, papers, Which::Put, &new, Demand::Named).expect("written");
        }
        let shelf = key("a", None, "").shelf;
        let list = |registration: Option<&str>| {
            desk.list(Reader::Itself, &shelf, registration, None).expect("a list").0
        };
        assert_eq!(list(None), ["one", "two", "four"]);
        assert_eq!(list(Some(&uuid(1))), ["two"]);
        desk.clear(&shelf, Some(&uuid(1))).expect("cleared");
        desk.remove(key("a", None, "one"), &Conditions::default()).expect("removed");
        assert_eq!(list(None), ["four"]);
        let kept = desk.document(Reader::Itself, &key("b", None, "three")).expect("read").expect("there");
        assert_eq!(kept.bytes, b"three");
    });
}

#[test]
fn what_was_acknowledged_is_there_again_and_a_cut_end_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records");
    {
        let desk = Desk::new(Arc::new(FileStore::open(&path).expect("a file"))).expect("a desk");
        let statement = read(did(1, "v").as_bytes()).expect("JSON");
        let authority = read(br#"{"mbox":"mailto:x@example.org"}"#).expect("JSON");
        let attachments = vec![Attachment {
            sha2: "00".into(),
            content_type: "text/plain".into(),
            bytes: vec![0, 255, 10],
        }];
        desk.take(vec![Incoming { statement, attachments, raw: None }], sender(&authority)).expect("taken");
        take(&desk, &[voids(2, 1), refers(3, "y", 1)]).expect("taken");
        let papers = Papers { content_type: "text/plain".into(), bytes: b"hello".to_vec() };
        desk.write(key("a", Some(1), "one"), papers, Which::Put, &Conditions::default(), Demand::Free)
            .expect("written");
    }
    let whole = std::fs::read(&path).expect("the file");
    let check = |count: u64| {
        let desk = Desk::new(Arc::new(FileStore::open(&path).expect("a file"))).expect("a desk");
        assert_eq!(desk.store().count().expect("a count"), count);
        desk
    };
    let desk = check(3);
    let (place, _) = desk.one(Reader::Itself, &uuid(1), true, None).expect("read").expect("voided");
    assert_eq!(desk.store().attachments(place).expect("read")[0].bytes, [0, 255, 10]);
    assert_eq!(found(&desk, &filter(vec![verb("v")])), [3, 2]);
    assert!(desk.document(Reader::Itself, &key("a", Some(1), "one")).expect("read").is_some());
    drop(desk);
    // A crash leaves any part of the last entry.
    std::fs::write(&path, &whole[..whole.len() - 1]).expect("written");
    assert!(check(3).document(Reader::Itself, &key("a", Some(1), "one")).expect("read").is_none());
    // A bit that turned is not a crash.
    let mut damaged = whole.clone();
    damaged[40] ^= 1;
    std::fs::write(&path, damaged).expect("written");
    assert!(FileStore::open(&path).is_err());
}

#[test]
fn many_who_send_at_once_get_places_of_their_own() {
    each(|desk| {
        std::thread::scope(|scope| {
            for thread in 0..4u32 {
                scope.spawn(move || {
                    for number in 0..25 {
                        take(desk, &[did(thread * 25 + number, "v"), did(1_000, "v")]).expect("taken");
                    }
                });
            }
        });
        let mut all = found(desk, &Filter { limit: 500, ..filter(vec![verb("v")]) });
        all.sort_unstable();
        assert_eq!(all, (0..100).chain([1_000]).collect::<Vec<u32>>());
    });
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]
    /// However often and in whichever order and batches statements come, the same are kept, voided and found.
    #[test]
    fn order_and_repetition_do_not_matter(
        order in proptest::prelude::Just((0..9usize).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec(0..9usize, 0..9),
        batch in 1..4usize,
    ) {

        let all = [did(1, "v"), did(2, "v"), did(3, "w"), refers(4, "y", 1), refers(5, "z", 4), voids(6, 2), voids(7, 9),
            refers(8, "y", 3), did(9, "w")];
        let desk = Desk::new(Arc::new(MemoryStore::default())).expect("memory");
        for places in order.iter().chain(&again).copied().collect::<Vec<_>>().chunks(batch) {
            let mut once: Vec<usize> = places.to_vec();
            once.sort_unstable();
            once.dedup();
            take(&desk, &once.iter().map(|place| all[*place].clone()).collect::<Vec<_>>()).expect("taken");
        }
        prop_assert_eq!(desk.store().count().expect("a count"), 9);
        let sorted = |term: &str| {
            let mut found = found(&desk, &filter(vec![verb(term)]));
            found.sort_unstable();
            found
        };
        prop_assert_eq!(sorted("v"), vec![1, 4, 5, 6]);
        prop_assert_eq!(sorted("w"), vec![3, 7, 8]);
        prop_assert_eq!(sorted("y"), vec![4, 5, 8]);
        prop_assert_eq!(sorted("z"), vec![5]);
    }
}
