//! Two districts' year by commands and their services alone: rosters before any chain is known, a fifth node by vote, money, a class,
//! a round, requests and the round's run by `aula district run`, decisions and letters, evidence that is verified offline.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aula_tests::founders::{Founded, Running, command, port, quick};
use aula_tests::services::{Service, attentive, duty, once, text};
use aula_tests::{alone, audit, aula, line};
use serde_json::Value;

#[path = "service/lake.rs"]
mod lake_of_a_district;
#[path = "service/portable.rs"]
mod portable;

/// Windows of seconds, in which two services find their round also on a busy machine.
const BASE: &str = r#"{"params":{"request_window_ms":10000,"reveal_window_ms":2000},"twin":{"scales":[{"skill":0,"grade":2,"mean_e1":5839,"deviation_e1":460}]}}"#;

/// A set of OneRoster 1.1 as a zip: students at one school, a teacher with a class, results of two tests.
fn one_roster(path: &Path, school: u32, prefix: &str, students: u32) -> Result<()> {
    let head = "sourcedId,status,dateLastModified,";
    let manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n\
                    file.enrollments,bulk\nfile.lineItems,bulk\nfile.results,bulk\n";
    let orgs = format!("{head}name,type,identifier\norg,,,The school,school,{school}\n");
    let mut users =
        format!("{head}enabledUser,orgSourcedIds,role,username,givenName,familyName,identifier,grades\n");
    let mut enrolments = format!("{head}classSourcedId,schoolSourcedId,userSourcedId,role\n");
    let items = format!("{head}title,resultValueMin,resultValueMax\nread,,,Stanford reading,0,999\n");
    let mut results = format!("{head}lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate\n");
    writeln!(users, "T-{prefix},,,true,org,teacher,t,,,,")?;
    writeln!(enrolments, "e-t,,,C-2,org,T-{prefix},teacher")?;
    let day = first_day();
    for n in 1..=students {
        writeln!(users, "{prefix}-{n},,,true,org,student,u{n},,,{n},02")?;
        writeln!(enrolments, "e-{n},,,C-2,org,{prefix}-{n},student")?;
        writeln!(results, "r-{n},,,read,{prefix}-{n},fully graded,{},{day}", 480 + 17 * n)?;
    }
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path)?);
    for (name, text) in [
        ("manifest", manifest),
        ("orgs", &orgs),
        ("users", &users),
        ("enrollments", &enrolments),
        ("lineItems", &items),
        ("results", &results),
    ] {
        zip.start_file(format!("{name}.csv"), zip::write::SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    zip.finish()?;
    Ok(())
}

/// A day in the past of the present school year: its first.
fn first_day() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let year =
        aula_ledger::types::SchoolYear::at(aula_ledger::types::TimeMs(u64::try_from(now).unwrap_or(0)));
    format!("{year}-07-02")
}

/// A home with a vault and a roster, before anybody spoke of a chain.
fn office(home: &Path, school: u32, prefix: &str, students: u32) -> Result<()> {
    let zip = home.with_extension("zip");
    one_roster(&zip, school, prefix, students)?;
    let told = command(home, &["vault", "init"])?;
    ensure!(told["district"].is_null(), "no chain is known: {told}");
    let config = std::fs::read_to_string(home.join("config.toml"))?;
    let subject = "\n[[district.subject]]\nword = \"reading\"\nskill = 0\n";
    std::fs::write(home.join("config.toml"), config + subject)?;
    attentive(home)?;
    let told = command(home, &["district", "import", text(&zip)?])?;
    ensure!(told["students"] == students && told["events"] == students && told["rejected"] == 0, "{told}");
    let again = command(home, &["district", "import", text(&zip)?])?;
    ensure!(again["import"].is_null(), "the same again: {again}");
    Ok(())
}

fn wishes(home: &Path, prefix: &str, students: u32) -> Result<()> {
    let mut rows = "local_id,mandate,kinds\n".to_owned();
    for n in 1..=students {
        writeln!(
            rows,
            "{prefix}-{n},{},{}",
            if n == 1 { "yes" } else { "no" },
            if n % 2 == 0 { "tablet;laptop" } else { "laptop" }
        )?;
    }
    std::fs::create_dir_all(home.join("wishes"))?;
    Ok(std::fs::write(home.join("wishes/class-1.csv"), rows)?)
}

const LAKE: u32 = 12;
const RIVER: u32 = 9;

#[tokio::test(flavor = "multi_thread")]
async fn two_districts_have_their_year_by_commands_and_their_services() -> Result<()> {
    let _turn = alone().await;
    let (began, folder) = (Instant::now(), tempfile::tempdir()?);
    let lake_home = folder.path().join("lake");
    command(&lake_home, &["init", "--name", "lake", "--p2p", &format!("/ip4/127.0.0.1/tcp/{}", port()?)])?;
    office(&lake_home, 51, "L", LAKE)?;
    let founded = Founded::start(folder.path(), 4, Some(BASE))?;
    let founders = &founded.nodes;
    let river_home = founders[1].home.clone();
    office(&river_home, 61, "R", RIVER)?;

    // A fifth joins with the home that has the vault, by one proposal and three votes.
    let joined = command(
        &lake_home,
        &[
            "join",
            "--genesis",
            text(&founded.genesis)?,
            "--peer",
            &founded.peers(),
            "--listen",
            &format!("127.0.0.1:{}", port()?),
            "--district",
            "5",
            "--district-name",
            "Lake County",
            "--roles",
            "consortium,district,funder",
        ],
    )?;
    quick(&lake_home)?;
    let lake = Running::start(&lake_home)?;
    let told = once([&lake_home, &river_home], 1)?;
    ensure!(duty(&told, 0, "anchor")["error"].is_string(), "nobody knows this district yet: {told}");
    let vote = |number: &str| -> Result<()> {
        founders[..3].iter().try_for_each(|one| one.run(0, &["consortium", "vote", number, "yes"]).map(drop))
    };
    // The smaller vote first: once the fifth counts, four are needed.
    let river = &founders[1];
    vote(&river.proposes_river_county("founder-2")?)?;
    let proposed =
        founders[0].run(0, &["consortium", "propose", joined["request"].as_str().context("no request")?])?;
    vote(&proposed["proposal"].to_string())?;
    lake.until("the fifth is not level", &["query", "districts"], |told| told["count"] == 2)?;
    lake.run(0, &["district", "school", "add", "--school", "51", "--name", "Lakeside", "--type", "rural"])?;
    river.run(0, &["district", "school", "add", "--school", "61", "--name", "Ford", "--type", "rural"])?;
    println!("measured: five nodes and two districts {:.1} s", began.elapsed().as_secs_f64());

    // The services bind the vaults, fold and anchor; a second look has nothing to do.
    lake.until("the school is not known", &["query", "schools"], |told| told["count"] == 2)?;
    let told = once([&lake_home, &river_home], 0)?;
    ensure!(duty(&told, 0, "anchor")["did"] == format!("{LAKE} states anchored"), "{told}");
    ensure!(duty(&told, 1, "anchor")["did"] == format!("{RIVER} states anchored"), "{told}");
    let told = once([&lake_home, &river_home], 0)?;
    ensure!(duty(&told, 0, "anchor")["did"] == "0 states anchored", "{told}");
    let status = river.run(0, &["vault", "status"])?;
    ensure!(status["district"] == 6 && status["students"] == RIVER, "{status}");
    println!("measured: both anchored {:.1} s", began.elapsed().as_secs_f64());

    // Money, a class, pools, a round.
    let year = lake.run(0, &["district", "school", "list"])?["schools"][0]["from_year"].to_string();
    lake.pays_for_devices(&year, "900000")?;
    for (pool, school, kind, places) in
        [("1", "51", "laptop", "5"), ("2", "61", "laptop", "4"), ("3", "51", "tablet", "3")]
    {
        lake.opens_places(pool, school, kind, places)?;
    }
    lake.until("the pools are not known", &["query", "pools"], |told| told["count"] == 3)?;
    wishes(&lake_home, "L", LAKE)?;
    wishes(&river_home, "R", RIVER)?;
    // One process serves both; it is killed without a word, and the next one goes on.
    let service = Service::start(&[&lake_home, &river_home], &[])?;
    let opened = lake.run(0, &["steward", "open", "--class", "1"])?;
    ensure!(opened["round"] == 0, "{opened}");
    std::thread::sleep(Duration::from_millis(1_500));
    drop(service);
    let _service = Service::start(&[&lake_home, &river_home], &[])?;
    let decided = |told: &Value| told["standing"] == "stands";
    let round = lake.until("the round is not decided", &["query", "round", "0"], decided)?;
    println!("measured: round decided {:.1} s", began.elapsed().as_secs_f64());
    ensure!(round["decision"]["optimal"] == true && round["decision"]["mandates_met"] == true, "{round}");

    // Decisions come back with the district's own names, and a letter a family.
    for (node, prefix, students) in [(&lake, "L", LAKE), (river, "R", RIVER)] {
        let (csv, letters) = (node.home.join("decisions.csv"), node.home.join("letters"));
        let told = node.run(
            0,
            &["district", "decisions", "--round", "0", "-o", text(&csv)?, "--letters", text(&letters)?],
        )?;
        ensure!(
            told["decisions"] == students && told["letters"] == students && told["unnamed"] == 0,
            "{told}"
        );
        let rows = std::fs::read_to_string(&csv)?;
        ensure!(rows.starts_with("local_id,school_local_id,kind,place,tier,reason,verify_url"), "{rows}");
        ensure!((1..=students).all(|n| rows.contains(&format!("\n{prefix}-{n},"))), "{rows}");
        ensure!(std::fs::read_dir(&letters)?.count() == usize::try_from(students)?);
    }
    // Each request once, however the service died.
    let requested = round["decision"]["requests"].as_u64();
    ensure!(requested.is_none_or(|requests| requests == u64::from(LAKE + RIVER)), "{round}");

    // Evidence of one student's place, checked with the file and the genesis alone.
    let handle =
        river.run(0, &["vault", "handles"])?["handles"][0]["handle"].as_str().context("a handle")?.to_owned();
    let bundle = river_home.join("place.bundle");
    river.run(0, &["evidence", "allocation", "0", &handle, "-o", text(&bundle)?])?;
    let verify = |bundle: &Path| {
        audit(&["verify", text(bundle)?, "--genesis", text(&founded.genesis)?, "--output", "json"])
    };
    let verdict = line(&verify(&bundle)?, 0)?;
    ensure!(verdict["valid"] == true && verdict["standing"] == "stands", "{verdict}");
    let mut bytes = std::fs::read(&bundle)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed: PathBuf = river_home.join("changed.bundle");
    std::fs::write(&changed, bytes)?;
    ensure!(verify(&changed)?.status.code() != Some(0), "one bit changed");

    // The class's teacher reads its student, as the roster said; a stranger to the class does not.
    let form = river_home.join("form.txt");
    std::fs::write(&form, "signed")?;
    river.run(0, &["vault", "consent", "give", &handle, "--form", text(&form)?])?;
    for (reader, exit) in [("t-r", 0), ("t-l", 1)] {
        let shown = river.run(0, &["vault", "credential", "--role", "teacher", "--reader", reader])?;
        let file = river_home.join(reader);
        std::fs::write(&file, shown["credential"].as_str().context("a credential")?)?;
        river.run(exit, &["vault", "get", &handle, "--fields", "name", "--credential", text(&file)?])?;
    }
    let status = line(&aula(&["district", "status", "--home", text(&river_home)?, "--output", "json"])?, 0)?;
    let duties = status["duties"].as_array().context("duties")?;
    ensure!(
        duties.len() == 10 && duties.iter().all(|one| one["last"].is_u64() && one["next"].is_u64()),
        "{status}"
    );
    portable::takes_everything_elsewhere(river, &founded.genesis, RIVER)?;
    lake_of_a_district::has_each_row_once(river, RIVER, &handle)?;
    println!("measured: the whole story {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}
