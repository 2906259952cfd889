//! A second real data set, from a file to decisions by commands alone: enrolment of Michigan's schools in 1998. The source has
//! schools' totals and no student, so students are DRAWN, by the seed below, which the test prints: as many as a school has
//! enrolled, with its shares of lunch and of satisfactory mathematics. Where a school's mathematics is not in the file, nothing is
//! recorded of its students either, and the school is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use aula_ledger::types::{SchoolYear, TimeMs};
use aula_tests::founders::{Founded, Running};
use aula_tests::services::{Service, attentive, duty, once, text};
use aula_tests::{alone, audit, line};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What the draw of students depends on, beside the file.
const SEED: &str = "aula michigan 1998, students drawn";
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/michigan/schools_1998.csv");
/// The districts that take part, by the file's number and ours: one of four schools, one with a school whose mathematics is missing.
const DISTRICTS: [(u32, u16); 2] = [(77_010, 77), (32_050, 32)];
/// Students for each place of a kind.
const STUDENTS_A_PLACE: u32 = 20;
/// Parts of a whole that a percentage is counted in.
const WHOLE: u32 = 10_000;

/// A school of the file.
struct School {
    district: u16,
    number: u32,
    enrolled: u32,
    lunch_e4: u32,
    satisfactory_e4: Option<u32>,
}

/// A student who was drawn.
struct Student {
    local_id: String,
    school: u32,
    grade: u32,
    lunch: bool,
    satisfactory: Option<bool>,
}

/// A percentage with up to two decimals, in ten-thousandths.
fn percent_e4(text: &str) -> Result<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    Ok(whole.parse::<u32>()? * 100 + format!("{decimals:0<2}").parse::<u32>()?)
}

fn schools() -> Result<Vec<School>> {
    let file = std::fs::read_to_string(FILE)?;
    let mut found = Vec::new();
    for row in file.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let [district, school, enrolled, lunch, math, _spent] = cells[..] else { continue };
        let Some((_, own)) = DISTRICTS.iter().find(|(listed, _)| district == listed.to_string()) else {
            continue;
        };
        found.push(School {
            district: *own,
            number: school.parse()?,
            enrolled: enrolled.parse()?,
            lunch_e4: percent_e4(lunch)?,
            satisfactory_e4: Some(math).filter(|text| !text.is_empty()).map(percent_e4).transpose()?,
        });
    }
    Ok(found)
}

/// A number that seed, school, student and purpose decide.
fn draw(school: u32, student: u32, what: &str) -> u64 {
    let digest = Sha256::new()
        .chain_update(SEED)
        .chain_update(school.to_be_bytes())
        .chain_update(student.to_be_bytes())
        .chain_update(what)
        .finalize();
    u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"))
}

/// The share of a school's students, rounded, whose draw comes first: the school keeps its percentage.
fn share(school: u32, count: u32, share_e4: u32, what: &str) -> Vec<bool> {
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by_key(|student| (draw(school, *student, what), *student));
    let chosen = (count * share_e4 + WHOLE / 2) / WHOLE;
    let mut has = vec![false; count as usize];
    order.iter().take(chosen as usize).for_each(|student| has[*student as usize] = true);
    has
}

fn students(school: &School) -> Vec<Student> {
    let count = school.enrolled;
    let lunch = share(school.number, count, school.lunch_e4, "lunch");
    let satisfactory =
        school.satisfactory_e4.map(|of_all| share(school.number, count, of_all, "mathematics"));
    let one = |(at, lunch): (u32, bool)| Student {
        local_id: format!("M-{}-{at}", school.number),
        school: school.number,
        grade: u32::try_from(draw(school.number, at, "grade") % 6).unwrap_or(0),
        lunch,
        satisfactory: satisfactory.as_ref().map(|all| all[at as usize]),
    };
    (0..count).zip(lunch).map(one).collect()
}

/// Districts, schools, members and the need rule: 640 for who has no lunch at home's cost, 640 for mathematics that is not satisfactory.
fn base(accounts: &[String], schools: &[School]) -> String {
    let member = |name: &str, roles: &[&str], at: usize, district: Option<u16>| {
        let mut member = json!({ "name": name, "roles": roles, "public_key": accounts[at] });
        if let Some(district) = district {
            member["district"] = district.into();
        }
        member
    };
    let mut members = vec![member("founder-1", &["consortium", "funder"], 0, None)];
    for (at, (_, own)) in DISTRICTS.iter().enumerate() {
        members.push(member(&format!("founder-{}", at + 2), &["consortium", "district"], at + 1, Some(*own)));
    }
    let districts: Vec<Value> = DISTRICTS
        .iter()
        .map(|(listed, own)| json!({ "id": own, "name": format!("District {listed}") }))
        .collect();
    let registered: Vec<Value> = schools
        .iter()
        .map(
            |school| json!({ "id": school.number, "district": school.district, "school_type": "elementary" }),
        )
        .collect();
    let flag = |name: &str, number: u32, weight: i32, unrecorded: u32| json!({ "name": name, "kind": "flag", "source": format!("recorded/{number}"), "weight": weight, "unrecorded": unrecorded });
    let inputs = [flag("lunch", 1, 640, 0), flag("satisfactory", 2, -640, 1)];
    json!({
        "params": { "request_window_ms": 12_000, "reveal_window_ms": 2_000 },
        "twin": { "need": { "constant": 1_280, "inputs": inputs } },
        "members": members, "districts": districts, "schools": registered,
        "sources": [{ "title": "Students", "text": format!("drawn by the seed {SEED:?}: the source has schools' totals") }],
    })
    .to_string()
}

/// A district's vault with its students, what they need and what they wish for.
fn office(node: &Running, own: &[&Student]) -> Result<()> {
    let (mut roster, mut inputs) =
        ("local_id,school,grade\n".to_owned(), "local_id,input,value\n".to_owned());
    let mut wishes = "local_id,mandate,kinds\n".to_owned();
    for one in own {
        let word = |truth: bool| if truth { "yes" } else { "no" };
        writeln!(roster, "{},{},{}", one.local_id, one.school, one.grade)?;
        writeln!(inputs, "{},lunch,{}", one.local_id, word(one.lunch))?;
        if let Some(satisfactory) = one.satisfactory {
            writeln!(inputs, "{},satisfactory,{}", one.local_id, word(satisfactory))?;
        }
        writeln!(
            wishes,
            "{},no,{}",
            one.local_id,
            if one.grade < 3 { "tablet;laptop" } else { "laptop;tablet" }
        )?;
    }
    let folder = node.home.join("export");
    std::fs::create_dir_all(&folder)?;
    std::fs::create_dir_all(node.home.join("wishes"))?;
    std::fs::write(node.home.join("wishes/class-1.csv"), wishes)?;
    let (roster_file, inputs_file) = (folder.join("roster.csv"), folder.join("inputs.csv"));
    std::fs::write(&roster_file, roster)?;
    std::fs::write(&inputs_file, inputs)?;
    attentive(&node.home)?;
    node.run(0, &["vault", "init"])?;
    let told = node.run(0, &["district", "import", text(&roster_file)?])?;
    ensure!(told["students"] == own.len() && told["rejected"] == 0, "{told}");
    let told = node.run(0, &["district", "need", "--record", text(&inputs_file)?, "--source", "7"])?;
    let known = own.len() + own.iter().filter(|one| one.satisfactory.is_some()).count();
    ensure!(told["recorded"] == known && told["rejected"] == 0, "{told}");
    Ok(())
}

/// The present school year, which imports are of where no other is said.
fn present_year() -> Result<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    Ok(SchoolYear::at(TimeMs(u64::try_from(now)?)).to_string())
}

/// The mean need of those who got a place and of those who wait, by the file of decisions.
fn mean_needs(file: &Path, needs: &BTreeMap<&str, u32>) -> Result<[f64; 2]> {
    let rows = std::fs::read_to_string(file)?;
    let (mut sums, mut counts) = ([0.0; 2], [0.0; 2]);
    for row in rows.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let (id, kind) = (cells[0], cells[2]);
        let waits = usize::from(kind.is_empty());
        sums[waits] += f64::from(*needs.get(id).with_context(|| format!("nobody drew {id}"))?);
        counts[waits] += 1.0;
    }
    Ok([sums[0] / counts[0], sums[1] / counts[1]])
}

#[tokio::test(flavor = "multi_thread")]
async fn michigans_schools_share_devices_by_commands_with_students_drawn_by_a_declared_seed() -> Result<()> {
    let _turn = alone().await;
    let folder = tempfile::tempdir()?;
    let schools = schools()?;
    let drawn: Vec<Student> = schools.iter().flat_map(students).collect();
    let missing: Vec<u32> = schools
        .iter()
        .filter(|school| school.satisfactory_e4.is_none())
        .map(|school| school.number)
        .collect();
    println!(
        "measured: {} students drawn with the seed {SEED:?} for {} schools; mathematics not in the source, so not recorded: {missing:?}",
        drawn.len(),
        schools.len()
    );
    ensure!(schools.len() == 7 && missing == [229] && drawn.len() == 541 + 568, "the file has changed");
    let lunch = drawn.iter().filter(|one| one.school == 5_219 && one.lunch).count();
    ensure!(lunch == 65, "38.02% of 172 students are 65, not {lunch}");

    let founded = Founded::start_with(folder.path(), 4, |accounts| Ok(Some(base(accounts, &schools))))?;
    let [funder, four, three, _] = &founded.nodes[..] else { anyhow::bail!("four founders") };
    for (node, (_, district)) in [four, three].into_iter().zip(DISTRICTS) {
        let of_district =
            |number: u32| schools.iter().any(|one| one.number == number && one.district == district);
        office(node, &drawn.iter().filter(|one| of_district(one.school)).collect::<Vec<_>>())?;
    }
    let homes = [four.home.as_path(), three.home.as_path()];
    let told = once(homes, 0)?;
    ensure!(duty(&told, 0, "anchor")["did"] == "541 states anchored", "{told}");
    ensure!(duty(&told, 1, "anchor")["did"] == "568 states anchored", "{told}");

    // Places by enrolment, in both kinds at every school.
    let year = present_year()?;
    let places = |school: &School| school.enrolled.div_ceil(STUDENTS_A_PLACE);
    let all: u32 = 2 * schools.iter().map(places).sum::<u32>();
    funder.pays_for_devices(&year, &(all * 30_000).to_string())?;
    let pools = schools.iter().flat_map(|school| ["laptop", "tablet"].map(|kind| (school, kind)));
    for (pool, (school, kind)) in pools.enumerate() {
        let number = (pool + 1).to_string();
        funder.opens_places(&number, &school.number.to_string(), kind, &places(school).to_string())?;
    }
    let _service = Service::start(&homes, &[])?;
    funder.run(0, &["steward", "open", "--class", "1"])?;
    let decided = |told: &Value| told["window"] == "closed";
    funder.until("the windows do not close", &["query", "round", "0"], decided)?;
    // Its steward is the funder, who runs no service.
    funder.run(0, &["steward", "run", "--round", "0"])?;
    let round = funder.run(0, &["query", "round", "0"])?;
    let decision = &round["decision"];
    ensure!(decision["requests"] == drawn.len() && decision["placed"] == all, "{round}");
    ensure!(
        decision["optimal"] == true && decision["waitlisted"] == drawn.len() as u64 - u64::from(all),
        "{round}"
    );

    // Who needs more is served first, in each district.
    let need = |one: &Student| {
        1_280 + 640 * u32::from(one.lunch) - 640 * u32::from(one.satisfactory.unwrap_or(true))
    };
    let needs: BTreeMap<&str, u32> = drawn.iter().map(|one| (one.local_id.as_str(), need(one))).collect();
    for node in [four, three] {
        let csv = node.home.join("decisions.csv");
        node.run(0, &["district", "decisions", "--round", "0", "-o", text(&csv)?])?;
        let [placed, waiting] = mean_needs(&csv, &needs)?;
        println!("measured: mean need {placed:.0} of who got a place, {waiting:.0} of who waits");
        ensure!(placed > waiting, "{placed} {waiting}");
    }
    let handle =
        three.run(0, &["vault", "handles"])?["handles"][0]["handle"].as_str().context("a handle")?.to_owned();
    let bundle = three.home.join("place.bundle");
    three.run(0, &["evidence", "allocation", "0", &handle, "-o", text(&bundle)?])?;
    let verdict =
        audit(&["verify", text(&bundle)?, "--genesis", text(&founded.genesis)?, "--output", "json"])?;
    ensure!(line(&verdict, 0)?["valid"] == true);
    Ok(())
}
