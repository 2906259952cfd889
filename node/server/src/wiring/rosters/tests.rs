//! A district's roster given to another district: files into one vault, its provider asked by our consumer, into a second vault.

use aula_district::import::events::EventRules;
use aula_district::import::{compare, undo, write};
use aula_ingest::date::Date;
use aula_ingest::oneroster::rest;
use aula_ingest::plan::{LedgerSchool, Schools};
use aula_ingest::{Input, read as read_files};
use aula_kit::vault::create;
use aula_kit::{DevChain, Tested};
use aula_rosters::oneroster::{Fetched, fetch, provider};
use aula_vault::imports::ImportNote;
use tokio::runtime::Handle as Runtime;

use super::*;

const FILES: [(&str, &str); 7] = [
    (
        "manifest.csv",
        "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.orgs,bulk\nfile.users,bulk\nfile.roles,bulk\nfile.enrollments,bulk\nfile.lineItems,bulk\nfile.results,bulk\n",
    ),
    (
        "orgs.csv",
        "sourcedId,status,dateLastModified,name,type,identifier\no-1,,,North,school,11\no-2,,,South,school,12\n",
    ),
    (
        "users.csv",
        "sourcedId,status,dateLastModified,enabledUser,givenName,familyName,grades\nS-1,,,true,Ana,de Luz,05\nS-2,,,true,Bo,Chen,KG\nS-3,,,true,Cy,,12\nT-1,,,true,Dee,Ito,\n",
    ),
    (
        "roles.csv",
        "sourcedId,status,dateLastModified,userSourcedId,roleType,role,orgSourcedId\nr1,,,S-1,primary,student,o-1\nr2,,,S-2,primary,student,o-1\nr3,,,S-3,primary,student,o-2\nr4,,,T-1,primary,teacher,o-1\n",
    ),
    (
        "enrollments.csv",
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role\ne1,,,C-1,o-1,T-1,teacher\ne2,,,C-1,o-1,S-1,student\ne3,,,C-1,o-1,S-2,student\n",
    ),
    (
        "lineItems.csv",
        "sourcedId,status,dateLastModified,title,assignDate,dueDate,classSourcedId\nL-1,,,Screening,,,\nQ-1,,,Quiz,2026-09-01,2026-09-10,C-1\n",
    ),
    (
        "results.csv",
        "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate\nx1,,,L-1,S-1,fully graded,9.5,2026-10-02\nx2,,,L-1,S-3,fully graded,7,\nx3,,,Q-1,S-2,fully graded,4,2026-09-09\n",
    ),
];

/// Imports files as the command does; gives the import's number and how many rows were refused.
fn import(vault: &Vault, files: Vec<Input>) -> Result<(Option<u64>, usize), Box<dyn std::error::Error>> {
    let (year, now) = (SchoolYear::at(TimeMs(now_ms())), now_ms());
    let (_, reading) = read_files(files, None, None, Date::of_ms(now).ok_or("no day")?)?;
    let ledger = [11, 12].map(|number| LedgerSchool { number, name: String::new() }).to_vec();
    let schools = Schools::new(BTreeMap::new(), vault.local_schools()?, ledger);
    let plan = compare(vault, year, &reading, &schools, false, |_| {})?;
    let note = ImportNote {
        import: 0,
        at_ms: now,
        school_year: year,
        format: "oneroster".into(),
        rows: 0,
        students: 0,
        undone_ms: None,
    };
    let refused = plan.counts().rejected;
    Ok((write(vault, &plan, &note, &EventRules::new(None, Vec::new()), |_| {})?.import, refused))
}

fn files() -> Vec<Input> {
    FILES.map(|(name, text)| Input { name: name.into(), bytes: text.as_bytes().to_vec() }).to_vec()
}

/// A feed brings a score of S-3.
fn scored_by_a_feed(vault: &Vault) -> Tested {
    use aula_district::enter::{Entering, Entry, enter, source_of};
    use aula_twin_runtime::clock::Stamp;
    use aula_twin_runtime::event::SkillId;
    let (now, year) = (now_ms(), SchoolYear::at(TimeMs(now_ms())));
    let local = aula_vault::LocalId::new("S-3").ok_or("an identifier")?;
    let handle = vault.find_in(&local, year)?.ok_or("nobody")?;
    let body = EventBody::Assessment { skill: SkillId(7), grade: 5, year: year.0, score_e1: 2_075 };
    let message = Entering {
        source: source_of("lms"),
        name: "m-1".into(),
        at: Stamp::new(now, 0)?,
        received_ms: now,
        what: Entry::Happened { handle, body },
        origin: Vec::new(),
    };
    let note = Note { events: [("assessment".to_owned(), 1)].into(), ..Note::default() };
    enter(vault, &mut vault.feed_keys()?, vec![message], |_| vec![(source_of("lms").0, note.encode())])?;
    Ok(())
}

async fn asked(url: &str, since: Option<&str>) -> Result<Fetched, Box<dyn std::error::Error>> {
    let file = format!(
        "url = '{url}/ims/oneroster/rostering/v1p2'\nresults_url = '{url}/ims/oneroster/gradebook/v1p2'\nassessments = true\n\
         token_url = '{url}/oauth2/token'\nclient_id = 'county'\nclient_secret = 'secret'\n"
    );
    Ok(fetch(&provider(&file)?, since).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_districts_roster_is_anothers_and_every_read_names_the_client() -> Tested {
    let (chain, folder) = (DevChain::new()?, tempfile::tempdir()?);
    let (folders, own) = create(&folder.path().join("one"), now_ms())?;
    assert_eq!(import(&own, files())?, (Some(1), 0));
    scored_by_a_feed(&own)?;
    drop(own);
    let scopes = "['roster-core.readonly', 'gradebook-core.readonly', 'assessment.readonly']";
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let clients = Clients::read(&format!(
        "[[client]]\nname = 'county'\nsecret_sha256 = '{hash}'\nscopes = {scopes}\n"
    ))?;
    let door = KeptDoor::at(folders.clone(), Runtime::current());
    let records = Arc::new(OfVault {
        door,
        db: chain.db.clone(),
        subjects: BTreeMap::from([(7, "reading".to_owned())]),
        kept: Mutex::default(),
        scored: Mutex::default(),
    });
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", socket.local_addr()?);
    let served = Arc::new(Provider::new(&url, clients, records.clone(), now_ms));
    tokio::spawn(axum::serve(socket, router(served)).into_future());
    let fetched = asked(&url, None).await?;
    // What nobody asks for any more is forgotten, and read again when somebody does.
    records.forget(KEPT * 60);
    assert!(!records.kept().roster.students.is_empty() && records.kept().scores.is_some());
    records.forget(Duration::ZERO);
    assert!(records.kept().roster.students.is_empty() && records.kept().scores.is_none());
    let (_, other) = create(&folder.path().join("other"), now_ms())?;
    assert_eq!(import(&other, rest::inputs(&fetched.collections, true)?)?, (Some(1), 0));
    // The same roster: places, names, grades, who reads whom.
    let year = SchoolYear::at(TimeMs(now_ms()));
    let fields = ["name", "grade"].map(FieldName::new).into_iter().collect::<Result<Vec<_>, _>>()?;
    let told = |vault: &Vault| -> Result<Vec<_>, VaultError> {
        let placed = vault.placed(year, &fields)?.into_iter().map(|one| {
            let place = (
                one.place.local_id.clone(),
                one.place.school,
                one.place.local_school.clone(),
                one.place.enrolled,
            );
            let relations = vault.relations_to(&one.handle)?;
            Ok((place, one.fields.iter().map(|(_, value)| value.to_vec()).collect::<Vec<_>>(), relations))
        });
        placed.collect()
    };
    let given = tokio::task::spawn_blocking({
        let folders = folders.clone();
        move || Vault::open_in_turn(&folders, Duration::from_secs(10))
    });
    let own = given.await??;
    let (one, two) = (told(&own)?, told(&other)?);
    assert_eq!(one, two);
    assert_eq!(one.len(), 3);
    let results = |vault: &Vault| -> Result<usize, VaultError> {
        let placed = vault.placed(year, &[])?;
        placed.iter().map(|one| Ok(vault.results_of(&one.student)?.len())).sum()
    };
    // One has no day, which the standard wants; one was brought by a feed, and is an event and no record here.
    assert_eq!((results(&own)?, results(&other)?), (3, 3));
    let read = other.results_of(&other.placed(year, &[])?[1].student)?;
    let quiz: serde_json::Value = serde_json::from_slice(&read[0].2)?;
    let told = ["measure", "class", "item", "assigned", "due", "date"]
        .map(|name| quiz[name].as_str().unwrap_or_default());
    assert_eq!(told, ["Quiz", "c-1", "Q-1", "2026-09-01", "2026-09-10", "2026-09-09"]);
    let heard = other.results_of(&other.placed(year, &[])?[2].student)?;
    let heard: serde_json::Value = serde_json::from_slice(&heard[0].2)?;
    assert_eq!(
        (heard["measure"].as_str(), &heard["scores"]["score"]["value"]),
        (Some("reading, grade 5"), &serde_json::json!(207.5))
    );
    let entries = own.entries()?;
    assert!(entries.iter().all(|entry| entry.reader.as_str() == "county"));
    let of = |what: &str| {
        entries.iter().filter(|entry| entry.fields.iter().any(|field| field.as_str() == what)).count()
    };
    assert_eq!(
        (of("name"), of("assessment:all")),
        (3 + 2, 3),
        "users, then who sits in a class; three results"
    );
    // What changed since shows, and so does an undoing.
    let since = fetched.newest.clone().ok_or("no moment")?;
    tokio::time::sleep(Duration::from_millis(5)).await;
    undo(&own, 1, now_ms())?;
    drop(own);
    let later = asked(&url, Some(&since)).await?;
    let users = later
        .collections
        .iter()
        .find(|(one, _)| *one == rest::Collection::Users)
        .map(|(_, users)| users.len());
    assert_eq!(users, Some(0), "nobody is on the roster any more");
    // The same again changes nothing in the other vault.
    assert_eq!(import(&other, rest::inputs(&fetched.collections, true)?)?, (None, 0));
    Ok(())
}

#[test]
fn clients_that_others_can_read_or_that_the_log_cannot_name_are_refused() -> Tested {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("clients.toml");
    let hash = "00".repeat(32);
    let text = format!("[[client]]\nname = 'lms'\nsecret_sha256 = '{hash}'\nscopes = ['roster.readonly']\n");
    let write = |text: &str, mode| {
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
    };
    assert!(read(&path).is_err());
    write(&text, 0o600)?;
    assert!(read(&path).is_ok());
    write(&text, 0o640)?;
    assert!(read(&path).is_err());
    write(&text.replace("'lms'", "'L M S'"), 0o600)?;
    assert!(read(&path).is_err());
    assert_eq!(
        (graded(&serde_json::json!(0)), graded(&serde_json::json!(5)), graded(&serde_json::json!("PK"))),
        (Some("KG".into()), Some("05".into()), Some("PK".into()))
    );
    Ok(())
}
