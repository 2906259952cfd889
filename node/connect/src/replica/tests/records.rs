//! Statements that a school's record store took in: the district's in the end, once, sealed for whoever is in them, and before she goes.

use aula_lrs::attachments::Attachment;
use aula_lrs::desk::{Desk, Incoming, Sender};
use aula_lrs::json::{Json, read};
use aula_lrs::statements::{Filter, Order, Term as Found, same};
use aula_lrs::store::Reader;
use aula_lrs::time::Stamp;
use aula_lrs::validate::{VOIDED, statement as checked};
use aula_lrs::version::Version;
use sha2::{Digest, Sha256};

use super::super::wire::{BringRecords, LetGo, LetGone, RecordsBrought, StatementRow};
use super::*;

type Failed = Box<dyn std::error::Error>;

const BEGIN: Begin = Begin { version: VERSION, has_vault: true, roster: [0; 32], year: None };
const PICTURE: &[u8] = b"bytes of a picture";

pub(super) fn uuid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

pub(super) fn student(id: &str) -> String {
    format!(r#"{{"name":"somebody","account":{{"homePage":"{HOME_PAGE}","name":"{id}"}}}}"#)
}

/// A statement of an actor about an object.
pub(super) fn statement(number: u32, actor: &str, verb: &str, object: &str) -> String {
    format!(r#"{{"id":"{}","actor":{actor},"verb":{{"id":"{verb}"}},"object":{object}}}"#, uuid(number))
}

/// A student completed a unit.
pub(super) fn did(number: u32, id: &str) -> String {
    let object = format!(r#"{{"id":"http://example.org/unit/{}"}}"#, number % 7);
    statement(number, &student(id), "http://example.org/completed", &object)
}

/// A teacher voids a statement.
pub(super) fn voids(number: u32, target: u32) -> String {
    let object = format!(r#"{{"objectType":"StatementRef","id":"{}"}}"#, uuid(target));
    statement(number, r#"{"mbox":"mailto:teacher@example.org"}"#, VOIDED, &object)
}

impl Side {
    pub(super) fn records(&self) -> Result<Desk, Failed> {
        Ok(self.entering().desk(HOME_PAGE)?)
    }

    pub(super) fn take(&self, client: &str, texts: &[String]) -> Tested {
        self.take_with(client, texts, Vec::new())
    }

    fn take_with(&self, client: &str, texts: &[String], attachments: Vec<Attachment>) -> Tested {
        let authority =
            format!(r#"{{"objectType":"Agent","account":{{"homePage":"{HOME_PAGE}","name":"{client}"}}}}"#);
        let authority = read(authority.as_bytes())?;
        let mut incoming = Vec::with_capacity(texts.len());
        for text in texts {
            let statement = read(text.as_bytes())?;
            checked(&statement, Version::One)?;
            incoming.push(Incoming { statement, attachments: attachments.clone(), raw: None });
        }
        self.records()?.take(incoming, Sender { client, authority: &authority, version: Version::One })?;
        Ok(())
    }

    pub(super) fn one(&self, number: u32) -> Result<Option<Json>, Failed> {
        Ok(self.records()?.one(Reader::Itself, &uuid(number), false, None)?.map(|(_, body)| body))
    }

    pub(super) fn is_voided(&self, number: u32) -> Result<bool, Failed> {
        Ok(self.records()?.one(Reader::Itself, &uuid(number), true, None)?.is_some())
    }

    /// Statements that name a student anywhere.
    fn naming(&self, id: &str) -> Result<usize, Failed> {
        let terms = vec![Found::AnyAgent(format!("account {HOME_PAGE} {id}"))];
        let (after_us, until_us, from_us) = (None, None, None);
        let filter = Filter { terms, after_us, until_us, order: Order::Ascending, limit: 500, from_us };
        Ok(self.records()?.find(Reader::Itself, &filter, None)?.statements.len())
    }

    pub(super) fn kept(&self) -> Result<u64, Failed> {
        Ok(self.records()?.store().count()?)
    }

    pub(super) fn handle(&self, id: &str) -> Result<Handle, Failed> {
        let local = LocalId::new(id).ok_or("an identifier")?;
        Ok(self.vault.keystore().find(&local).ok_or("nobody")?)
    }
}

/// A statement as a replica brings it, for these of the students `S-0`, `S-1`, `S-4` and `nobody`.
pub(super) fn row(students: &[u16], body: &str) -> StatementRow {
    StatementRow { students: students.to_vec(), body: body.as_bytes().to_vec(), attachments: Vec::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn statements_of_the_school_are_the_districts_once_for_what_the_difference_costs() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let students = ["S-0", "S-1", "S-2", "S-3"];
    let texts: Vec<String> = (0..200).zip(students.iter().cycle()).map(|(n, id)| did(n, id)).collect();
    world.school.take("tablets", &texts)?;
    // One of two students with a picture, one that is voided, one that reached the district as well, by another client.
    let hash = hex::encode(Sha256::digest(PICTURE));
    let pictured = statement(300, &student("S-0"), "http://example.org/met", &student("S-1")).replacen(
        "\"object\":{",
        &format!(
            r#""attachments":[{{"usageType":"http://example.org/u","display":{{"en":"a picture"}},"contentType":"text/plain","length":18,"sha2":"{hash}"}}],"object":{{"objectType":"Agent","#
        ),
        1,
    );
    let picture = Attachment { sha2: hash, content_type: "text/plain".into(), bytes: PICTURE.to_vec() };
    world.school.take_with("tablets", &[pictured], vec![picture.clone()])?;
    world.school.take("tablets", &[did(301, "S-2"), voids(302, 301)])?;
    world.school.take("tablets", &[did(303, "S-3")])?;
    world.district.take("lms-east", &[did(303, "S-3"), did(304, "S-4")])?;
    let level = world.level().await?;
    assert!(level.level && level.records_refused == 0, "{level:?}");
    assert_eq!((level.records, level.records_sent), (204, 203), "one was there: {level:?}");
    assert_eq!(world.district.kept()?, 205);
    for number in (0..200).chain([300, 302, 303]) {
        let (ours, theirs) = (world.school.one(number)?, world.district.one(number)?);
        let (ours, theirs) = (ours.ok_or("not here")?, theirs.ok_or("not home")?);
        if number == 303 {
            // Each store set its own timestamp.
            continue;
        }
        assert!(same(&theirs, &ours), "{number}");
        assert_eq!(theirs.text_of("timestamp"), ours.text_of("timestamp"));
        let stored = |of: &Json| of.text_of("stored").and_then(Stamp::parse);
        assert!(stored(&theirs) > stored(&ours), "it is stored when it came");
        let account = theirs.get("authority").and_then(|own| own.get("account")).ok_or("no authority")?;
        assert_eq!(account.text_of("name"), Some("lincoln/tablets"), "the replica vouches");
    }
    let place = world.district.records()?.one(Reader::Itself, &uuid(300), false, None)?.ok_or("none")?.0;
    assert_eq!(world.district.records()?.store().attachments(place)?, [picture]);
    assert!(world.district.is_voided(301)? && world.district.one(301)?.is_none());
    // Who asks for a client's own statements asks for those that it sent here.
    let own = |client: &str| -> Result<bool, Failed> {
        Ok(world.district.records()?.one(Reader::Itself, &uuid(7), false, Some(client))?.is_some())
    };
    assert!(!own("tablets")? && own("lincoln/tablets")?);
    // Nothing is left: no question more, whatever both have.
    let again = world.level().await?;
    assert_eq!((again.records_sent, again.level, again.requests), (0, true, 2), "{again:?}");
    assert!(again.bytes_sent + again.bytes_received < 600, "{again:?}");
    let mut costs = Vec::new();
    for (from, more) in [(1_000, 1_u32), (2_000, 10), (3_000, 100)] {
        let texts: Vec<String> = (from..from + more).map(|n| did(n, "S-1")).collect();
        world.school.take("tablets", &texts)?;
        let did = world.level().await?;
        assert_eq!((did.records_sent, did.level), (u64::from(more), true), "{did:?}");
        costs.push((u64::from(more), did.bytes_sent + did.bytes_received));
    }
    for (records, bytes) in &costs {
        assert!(*bytes < 6_000 + 1_500 * records, "{costs:?}");
    }
    // It is sealed under the district's own keys: who is erased there takes hers along, and the others keep theirs.
    world.district.vault.erase(&[world.district.handle("S-0")?], NOW_MS)?;
    assert_eq!((world.district.naming("S-0")?, world.district.one(0)?), (0, None));
    let left = world.district.one(300)?.ok_or("S-1's is gone")?;
    assert!(left.to_string().contains("urn:aula:redacted") && !left.to_string().contains("S-0"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn records_that_are_cut_anywhere_come_home_once() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let (mut number, mut cuts) = (0, 0);
    for k in 0..40 {
        let texts: Vec<String> = (number..number + 5).map(|n| did(n, "S-0")).collect();
        world.school.take("tablets", &texts)?;
        number += 5;
        world.cut.left.store(k % 8, Ordering::SeqCst);
        // Every other time the district does what it is asked, and the answer is lost.
        world.cut.does.store(k % 2 == 1, Ordering::SeqCst);
        match world.level().await {
            Ok(_) => {}
            Err(LevelError::Refused(502, ..)) => cuts += 1,
            Err(error) => return Err(error.into()),
        }
    }
    assert!(cuts >= 10, "{cuts}");
    world.cut.left.store(usize::MAX, Ordering::SeqCst);
    assert!(world.level().await?.level);
    assert_eq!(world.district.kept()?, u64::from(number), "each once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn records_come_home_where_events_come_all_the_time() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    world.school.take("tablets", &[did(1, "S-0")])?;
    let ended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (pipeline, feed, until) = (world.school.pipeline.clone(), world.lincoln.clone(), ended.clone());
    let tablets = std::thread::spawn(move || {
        for n in 10_000.. {
            let heard =
                term(&feed, (n, n + 1), NOW_MS).ok().and_then(|one| pipeline.submit_and_wait(one).ok());
            if heard.is_none() || until.load(Ordering::SeqCst) {
                return;
            }
        }
    });
    let did = world.level().await;
    ended.store(true, Ordering::SeqCst);
    tablets.join().map_err(|_| "the tablets' thread")?;
    let did = did?;
    assert_eq!(did.records_sent, 1, "{did:?}");
    assert!(world.district.one(1)?.is_some());
    assert!(world.level().await?.level);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_left_goes_once_her_statements_are_home_and_one_that_is_refused_keeps_her() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    world.school.take("tablets", &[did(1, "S-0"), did(2, "S-0"), voids(3, 2), did(4, "S-1")])?;
    // S-4 is another school's: of her the replica brings nothing.
    let met = statement(5, &student("S-0"), "http://example.org/met", &student("S-4"));
    let met = met.replacen(r#""object":{"#, r#""object":{"objectType":"Agent","#, 1);
    world.school.take("tablets", &[met])?;
    enrolled(&world.district.vault, &[("S-0", 12, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.records_refused), (false, 0, 1), "{did:?}");
    assert!(world.district.one(1)?.is_some() && world.district.is_voided(2)?);
    assert!(world.district.one(5)?.is_none() && world.school.one(5)?.is_some());
    // Once S-4 is the replica's as well, all of it is home, and S-0 goes.
    enrolled(&world.district.vault, &[("S-4", 11, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.records_refused), (true, 1, 0), "{did:?}");
    // What voids one of hers is found with it.
    assert_eq!((world.district.naming("S-0")?, world.district.naming("S-4")?), (3, 1));
    assert!(world.school.one(1)?.is_none() && world.school.one(4)?.is_some());
    // The school has them no more, and what the district has is not asked about again.
    let again = world.level().await?;
    assert!(again.level && again.records_sent == 0, "{again:?}");
    let again = world.level().await?;
    assert_eq!((again.level, again.requests), (true, 2), "{again:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_statement_that_came_before_its_student_was_known_comes_home_with_her() -> Tested {
    let world = Apart::new().await?;
    // Nobody is on the school's roster yet, and one of them never is.
    world.school.take("tablets", &[did(1, "S-0"), did(2, "nobody"), voids(3, 1), voids(4, 2)])?;
    let lms = Arc::new(Feed { home_page: HOME_PAGE.into(), ..Feed::plain("lms")? });
    let mut replica = Replica::new(world.school.entering(), vec![lms]);
    let speaking = world.speaking()?;
    let did = replica.level(&speaking, (GENESIS, NOW_MS), None).await?;
    assert_eq!((did.level, did.records, did.records_sent), (true, 2, 2), "{did:?}");
    assert!(world.district.is_voided(1)? && world.district.one(2)?.is_none());
    // There it is hers: it goes with her.
    assert_eq!(world.district.kept()?, 2);
    world.district.vault.erase(&[world.district.handle("S-0")?], NOW_MS)?;
    assert!(!world.district.is_voided(1)? && world.school.is_voided(1)?);
    let did = replica.level(&speaking, (GENESIS, NOW_MS), None).await?;
    assert_eq!((did.level, did.erased), (true, 1), "{did:?}");
    // Nobody held it at the school, and it goes with her there as well; what names nobody's student stays.
    assert!(!world.school.is_voided(1)? && world.school.is_voided(2)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_is_erased_at_the_district_does_not_come_back_in_anothers_statement() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let met = statement(1, &student("S-1"), "http://example.org/met", &student("S-2"));
    let met = met.replacen(r#""object":{"#, r#""object":{"objectType":"Agent","#, 1);
    world.school.take("tablets", &[met, did(2, "S-1"), did(3, "S-2")])?;
    world.district.vault.erase(&[world.district.handle("S-1")?], NOW_MS)?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.records_sent), (true, 1, 1), "{did:?}");
    assert!(world.school.one(2)?.is_none() && world.district.one(1)?.is_none());
    // Without her it is S-2's.
    let did = world.level().await?;
    assert_eq!((did.level, did.records_sent), (true, 1), "{did:?}");
    let text = world.district.one(1)?.ok_or("S-2's is not home")?.to_string();
    assert!(text.contains("urn:aula:redacted") && !text.contains("S-1"), "{text}");
    assert_eq!((world.district.naming("S-1")?, world.district.naming("S-2")?), (0, 2));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_a_replica_writes_of_nobody_elses_student_and_voids_nobody_elses_statement() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    world.district.take("lms-east", &[did(1, "S-0"), did(2, "S-4")])?;
    let before = world.district.kept()?;
    let who = world.speaking()?;
    let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
    let students = ["S-0", "S-1", "S-4", "nobody"].map(str::to_owned).to_vec();
    let bring = async |statements: Vec<StatementRow>| {
        let bring = BringRecords { session, students: students.clone(), statements, documents: Vec::new() };
        who.ask::<RecordsBrought>("bring_records", &bring).await
    };
    let with_s4 = statement(12, &student("S-0"), "http://example.org/met", &student("S-4")).replacen(
        r#""object":{"#,
        r#""object":{"objectType":"Agent","#,
        1,
    );
    let forged = did(13, "S-0").replacen(
        r#""verb""#,
        r#""authority":{"objectType":"Agent","account":{"homePage":"https://sis.example.org","name":"lms-east"}},"verb""#,
        1,
    );
    let teacher = did(14, "S-0").replace(&student("S-0"), r#"{"mbox":"mailto:teacher@example.org"}"#);
    let voiding = voids(19, 1).replace(r#"{"mbox":"mailto:teacher@example.org"}"#, &student("S-0"));
    let statements = vec![
        row(&[2], &did(10, "S-4")),
        // Said to be another's than it is.
        row(&[0], &did(11, "S-4")),
        row(&[0], &with_s4),
        row(&[0], &forged),
        row(&[], &teacher),
        row(&[0], &teacher),
        row(&[3], &did(15, "nobody")),
        row(&[9], &did(16, "S-0")),
        row(&[0], "{"),
        row(&[0], &did(17, "S-0").replace("actor", "nobody")),
        // Not what the replica brought: of its own student, and of another's.
        row(&[], &voids(18, 1)),
        row(&[0], &voiding),
        row(&[], &voids(20, 2)),
        row(&[], &voids(21, 999)),
        // Under the name of another statement.
        row(&[0], &did(1, "S-0").replace("completed", "failed")),
        // As the one that is forged, but for who vouches.
        row(&[0], &did(13, "S-0")),
    ];
    let answer = bring(statements).await?;
    use Fate::{Known, Refused, Taken, Unknown};
    assert_eq!(
        answer.statements,
        [
            Refused, Refused, Refused, Taken, Refused, Refused, Unknown, Refused, Refused, Refused, Refused,
            Refused, Refused, Refused, Refused, Known
        ]
    );
    assert_eq!(world.district.kept()?, before + 1);
    assert!(!world.district.is_voided(1)? && !world.district.is_voided(2)?);
    let vouched = world.district.one(13)?.ok_or("none")?;
    let account = vouched.get("authority").and_then(|own| own.get("account"));
    assert_eq!(account.and_then(|own| own.text_of("name")), Some("lincoln/lms-east"));
    // What it brought it voids, and what it has as well.
    let answer = bring(vec![row(&[], &voids(30, 13)), row(&[0], &did(1, "S-0"))]).await?;
    assert_eq!(answer.statements, [Taken, Known]);
    assert!(world.district.is_voided(13)?);
    // Activities that are described stay as they are described.
    let described = |name: &str, number| {
        let object =
            format!(r#"{{"id":"http://example.org/unit/x","definition":{{"name":{{"en":"{name}"}}}}}}"#);
        statement(number, &student("S-0"), "http://example.org/completed", &object)
    };
    world.district.take("lms-east", &[described("fractions", 40)])?;
    assert_eq!(bring(vec![row(&[0], &described("nonsense", 41))]).await?.statements, [Taken]);
    let definition = world.district.records()?.store().activity("http://example.org/unit/x")?;
    assert!(definition.is_some_and(|own| own.to_string().contains("fractions")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_what_is_asked_of_records_is_bounded() -> Tested {
    let world = Apart::new().await?;
    let who = world.speaking()?;
    let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
    let code = |error: Option<LevelError>| match error {
        Some(LevelError::Refused(status, code, _)) => (status, code),
        _ => (200, String::new()),
    };
    let malformed = (400, "malformed".to_owned());
    let many = BringRecords {
        session,
        students: vec!["S-0".into()],
        statements: vec![row(&[0], "{}"); 501],
        documents: Vec::new(),
    };
    assert_eq!(code(who.ask::<RecordsBrought>("bring_records", &many).await.err()), malformed);
    let parts = Compare { session, parts: vec![Part::ALL; 2] };
    assert_eq!(code(who.ask::<Compared>("compare_records", &parts).await.err()), malformed);
    let ids = LetGo { session, ids: vec![[1; 16]; 501] };
    assert_eq!(code(who.ask::<LetGone>("let_go", &ids).await.err()), malformed);
    let none = LetGo { session, ids: vec![[1; 16]; 3] };
    assert_eq!(who.ask::<LetGone>("let_go", &none).await?.count, 0);
    let over = LetGo { session: [0; 16], ids: Vec::new() };
    assert_eq!(code(who.ask::<LetGone>("let_go", &over).await.err()), (409, "session_over".into()));
    // A statement of more than a store takes.
    let long = did(1, "S-0").replace("somebody", &"s".repeat((1 << 20) + (8 << 10)));
    let large = BringRecords { statements: vec![row(&[0], &long)], ..many };
    assert_eq!(who.ask::<RecordsBrought>("bring_records", &large).await?.statements, [Fate::Refused]);
    // Attachments of more than a vault seals are refused as the statement's fault, and are not the vault's.
    let bytes = vec![b'x'; 13 << 20];
    let sha2 = hex::encode(Sha256::digest(&bytes));
    let described = did(2, "S-0").replacen(
        "\"object\":{",
        &format!(
            r#""attachments":[{{"usageType":"http://example.org/u","display":{{"en":"a film"}},"contentType":"text/plain","length":13631488,"sha2":"{sha2}"}}],"object":{{"#
        ),
        1,
    );
    let attachments = vec![(sha2, "text/plain".to_owned(), bytes)];
    let statements = vec![StatementRow { attachments, ..row(&[0], &described) }, row(&[0], &did(3, "S-0"))];
    let large = BringRecords { statements, ..large };
    let answer: RecordsBrought = who.ask("bring_records", &large).await?;
    assert_eq!(answer.statements, [Fate::Refused, Fate::Taken]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn attack_a_replica_of_another_home_page_names_no_student_by_the_districts() -> Tested {
    let world = Apart::new().await?;
    let parameters: super::super::served::Parameters = Arc::new(|| Ok((DIGEST, reference())));
    let own = "https://tablets.example.org";
    let known = registered("s", "[11]", &format!("[\"lincoln\"]\nhome_page = \"{own}\""))?;
    let served = Served::new(world.district.entering(), known, parameters, now);
    let served = Arc::new(served.of_home_page(Some(HOME_PAGE.into())));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", socket.local_addr()?);
    let routes = router(served);
    tokio::spawn(async move { axum::serve(socket, routes).await });
    let who = District::with(&url, ("lincoln".into(), "s".into()), None)?;
    let session = who.ask::<Begun>("begin", &BEGIN).await?.session;
    // S-0 by the account that is hers here, beside somebody by one of the district's.
    let met = |number: u32, id: &str| {
        let other = student(id).replacen('{', r#"{"objectType":"Agent","#, 1);
        statement(number, &student("S-0").replace(HOME_PAGE, own), "http://example.org/met", &other)
    };
    let statements = vec![
        row(&[0], &met(1, "S-4")),
        row(&[0], &met(2, "S-1")),
        row(&[0], &met(3, "t-9")),
        row(&[0], &did(4, "S-0")),
    ];
    let students = vec!["S-0".to_owned()];
    let bring = BringRecords { session, students, statements, documents: Vec::new() };
    let answer: RecordsBrought = who.ask("bring_records", &bring).await?;
    assert_eq!(answer.statements, [Fate::Refused, Fate::Refused, Fate::Taken, Fate::Refused]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn without_a_home_page_records_are_refused_and_keep_their_student() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    world.school.take("tablets", &[did(1, "S-0")])?;
    let parameters: super::super::served::Parameters = Arc::new(|| Ok((DIGEST, reference())));
    let known = registered("s", "[11]", "[\"lincoln\"]")?;
    let served = Arc::new(Served::new(world.district.entering(), known, parameters, now));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", socket.local_addr()?);
    let routes = router(served);
    tokio::spawn(async move { axum::serve(socket, routes).await });
    enrolled(&world.district.vault, &[("S-0", 12, true)])?;
    let speaking = District::with(&url, ("lincoln".into(), "s".into()), None)?;
    let mut replica = Replica::new(world.school.entering(), vec![world.lincoln.clone()]);
    let did = replica.level(&speaking, (GENESIS, NOW_MS), None).await?;
    assert_eq!((did.level, did.erased, did.records_refused), (false, 0, 1), "{did:?}");
    assert!(world.school.one(1)?.is_some() && world.district.one(1)?.is_none());
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.records_sent), (true, 1, 1), "{did:?}");
    Ok(())
}
