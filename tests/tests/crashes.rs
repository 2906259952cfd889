//! A district's service that dies at its writes, again and again: no event is lost or counted twice, no request sent twice.
//!
//! The gate dies at every write of one anchor and of one round's requests in turn, then a seeded dozen times at random;
//! `AULA_FAULT_KILLS` asks for more of these (scripts/crashes.sh).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use aula_tests::founders::{Founded, Running, command};
use aula_tests::{alone, aula, line};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

/// Random deaths in the gate.
const KILLS: u64 = 12;
/// In the one file that is imported; all but the last have results.
const STUDENTS: u32 = 20;
/// Those of them whose results are far above all others.
const MASTERS: u32 = 2;
/// More writes than any look has.
const WRITES: u64 = 100;
const BASE: &str = r#"{"params":{"request_window_ms":999000,"reveal_window_ms":2000},"twin":{"scales":[{"skill":0,"grade":2,"mean_e1":5839,"deviation_e1":460}]}}"#;

/// A district with its node, and what its students' events should be.
struct District {
    node: Running,
    folder: PathBuf,
    /// Events written by all imports.
    events: u64,
    /// Results told so far, for new ones.
    told: u32,
}

impl District {
    /// Imports one more result of these students; the same name corrects an earlier one.
    fn import(&mut self, students: &[u32], name: u32) -> Result<()> {
        let mut rows = "id,day,score\n".to_owned();
        self.told += 1;
        for student in students {
            // Who masters the skill is recorded on the ledger, once.
            let score = if *student < MASTERS { 990 } else { 500 + self.told % 90 };
            writeln!(rows, "S-{student},2026-10-{:02},{score}", 1 + name % 28)?;
        }
        let mapping = "format = \"assessment\"\n[student]\nid = \"id\"\n[[result]]\ninstrument = \"=test\"\nmeasure = \"=reading\"\n\
                       date = \"day\"\nschool_year = \"=YEAR\"\ngrade = \"=2\"\nscores.scaled = \"score\"\n";
        let year = self.year()?;
        let (file, map) = (self.folder.join("scores.csv"), self.folder.join("map.toml"));
        std::fs::write(&file, rows)?;
        std::fs::write(&map, mapping.replace("YEAR", &year))?;
        let told = self.node.run(0, &["district", "import", text(&file)?, "--map", text(&map)?])?;
        self.events += told["events"].as_u64().context("no events")?;
        Ok(())
    }

    fn year(&self) -> Result<String> {
        Ok(self.node.run(0, &["district", "school", "list"])?["schools"][0]["from_year"].to_string())
    }

    /// Every duty once, dying at this write; true when it did not come so far.
    fn lives(&self, write: u64) -> Result<bool> {
        let home = text(&self.node.home)?;
        let write = write.to_string();
        let out = aula(&[
            "district",
            "run",
            "--once",
            "--home",
            home,
            "--output",
            "json",
            "--die-at-write",
            &write,
        ])?;
        match out.status.code() {
            // Killed by its own hand, as by a power cut.
            None => Ok(false),
            Some(0) => Ok(true),
            _ => {
                line(&out, 0)?;
                Ok(true)
            }
        }
    }

    /// Dies at each write in turn until a look comes through; gives how many deaths that took.
    fn die_at_each(&self) -> Result<u64> {
        for write in 1..=WRITES {
            if self.lives(write)? {
                return Ok(write - 1);
            }
        }
        anyhow::bail!("more than {WRITES} writes")
    }

    /// How many transactions of a kind the chain has, and how many of them it took.
    async fn sent(&self, kind: &str) -> Result<(usize, usize)> {
        let status = self.node.run(0, &["status"])?;
        let (rpc, height) = (self.node.rpc.clone(), status["height"].as_u64().context("no height")?);
        let (mut all, mut taken) = (0, 0);
        for height in 1..=height {
            let block: Value = reqwest::get(format!("{rpc}/v1/blocks/{height}")).await?.json().await?;
            let of_kind =
                block["outlines"].as_array().into_iter().flatten().filter(|one| one["kind"] == kind);
            for one in of_kind {
                all += 1;
                taken += usize::from(one["code"] == 0);
            }
        }
        Ok((all, taken))
    }

    /// The events that all students' anchored states were folded from.
    fn folded(&self) -> Result<u64> {
        let told = self.node.run(0, &["vault", "handles"])?;
        let handles = told["handles"].as_array().context("no handles")?;
        let handles: Vec<&str> = handles.iter().filter_map(|one| one["handle"].as_str()).collect();
        let told = self.node.run(0, &[&["twin", "anchor"], handles.as_slice()].concat())?;
        let states = told["anchored"].as_array().context("nothing anchored")?;
        ensure!(states.len() == handles.len());
        Ok(states.iter().filter_map(|one| one["events"].as_u64()).sum())
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not text")
}

/// One validator whose operator acts for a district with a school, a vault and students.
fn district(folder: &Path) -> Result<District> {
    let founded = Founded::start(folder, 1, Some(BASE))?;
    let node = founded.nodes.into_iter().next().context("no founder")?;
    let number = node.proposes_river_county("founder-1")?;
    node.run(0, &["consortium", "vote", &number, "yes"])?;
    node.run(0, &["district", "school", "add", "--school", "61", "--name", "Ford", "--type", "rural"])?;
    let home = node.home.clone();
    command(&home, &["vault", "init"])?;
    let config = std::fs::read_to_string(home.join("config.toml"))?;
    std::fs::write(
        home.join("config.toml"),
        config + "\n[[district.subject]]\nword = \"reading\"\nskill = 0\n",
    )?;
    let mut roster = "local_id,school,grade\n".to_owned();
    let mut wishes = "local_id,mandate,kinds\n".to_owned();
    for n in 0..STUDENTS {
        writeln!(roster, "S-{n},61,2")?;
        writeln!(wishes, "S-{n},no,laptop")?;
    }
    std::fs::create_dir_all(home.join("wishes"))?;
    std::fs::write(home.join("wishes/class-1.csv"), wishes)?;
    let path = folder.join("roster.csv");
    std::fs::write(&path, roster)?;
    node.run(0, &["district", "import", text(&path)?])?;
    Ok(District { node, folder: folder.to_owned(), events: 0, told: 0 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_at_any_write_loses_nothing_and_sends_nothing_twice() -> Result<()> {
    let _turn = alone().await;
    let folder = tempfile::tempdir()?;
    let mut district = district(folder.path())?;
    // Of the last nothing is known but the roster: a twin all the same, anchored and asked for as the others.
    let tested: Vec<u32> = (0..STUDENTS - 1).collect();
    district.import(&tested, 1)?;
    ensure!(district.events == u64::from(STUDENTS - 1), "each result is an event");
    let anchored = district.die_at_each()?;
    let (all, taken) = district.sent("AnchorStates").await?;
    ensure!((all, taken) == (1, 1), "{taken} of {all} anchors were taken after {anchored} deaths");

    let year = district.year()?;
    let class =
        ["steward", "class", "--class", "1", "--title", "Devices", "--year", &year, "--kinds", "laptop"];
    district.node.run(0, &[&class[..], &["--waitlist", "60"]].concat())?;
    district.node.run(
        0,
        &[
            "steward",
            "pool",
            "--class",
            "1",
            "--kind",
            "laptop",
            "--places",
            "10",
            "--unit-cents",
            "0",
            "--pool",
            "1",
            "--school",
            "61",
        ],
    )?;
    district.node.run(0, &["steward", "open", "--class", "1"])?;
    let asked = district.die_at_each()?;
    let (all, taken) = district.sent("SubmitRequests").await?;
    ensure!((all, taken) == (1, 1), "{taken} of {all} batches of requests were taken after {asked} deaths");
    let wishes = district.node.home.join("wishes/class-1.csv");
    let again = ["district", "request", "--round", "0", "--dry-run", "--wishes", text(&wishes)?];
    let rows = district.node.run(0, &again)?;
    ensure!(rows["accepted"] == STUDENTS, "each student's request stands: {rows}");
    ensure!(anchored > 5 && asked > 5, "{anchored} and {asked} writes: is the hook gone?");
    println!("measured: died at each of {anchored} writes of an anchor and {asked} of a round's requests");

    let kills = std::env::var("AULA_FAULT_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let seed = std::env::var("AULA_FAULT_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1u64);
    let mut random = StdRng::seed_from_u64(seed);
    let mut died = 0;
    while died < kills {
        let some: Vec<u32> = tested.iter().copied().filter(|_| random.gen_ratio(1, 4)).collect();
        if some.is_empty() {
            continue;
        }
        let name = random.gen_range(1..6);
        district.import(&some, name)?;
        while died < kills && !district.lives(random.gen_range(1..25))? {
            died += 1;
            if died % 100 == 0 {
                println!("{died} of {kills} deaths");
            }
        }
    }
    ensure!(district.lives(0)?);
    ensure!(district.node.run(0, &["district", "status"])?["duties"].is_array());
    let folded = district.folded()?;
    ensure!(folded == district.events, "{folded} events folded of {} written, seed {seed}", district.events);
    let (all, taken) = district.sent("SubmitRequests").await?;
    ensure!((all, taken) == (1, 1), "{taken} of {all} batches of requests, seed {seed}");
    // Interventions that began are milestones too: of the mastered, one each and none refused as known.
    let (milestones, taken) = district.sent("RecordMilestone").await?;
    ensure!(milestones == taken && milestones >= 1, "{taken} of {milestones} milestones, seed {seed}");
    println!(
        "measured: {kills} deaths at random writes (seed {seed}): {folded} events and {milestones} milestones, each once"
    );
    Ok(())
}
