//! A consortium that founds itself, grows and governs itself, by commands alone: no typed JSON, no demo, each node a process
//! on a home of its own.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aula_tests::net::spawn;
use aula_tests::{alone, aula, line};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take.
const LONG: Duration = Duration::from_secs(40);

/// A node of its own, ended with the test.
struct Running {
    child: Child,
    home: PathBuf,
    p2p: String,
}

impl Running {
    fn start(home: &Path) -> Result<Self> {
        let (child, told) = spawn(home)?;
        let p2p = told["p2p"].as_str().context("no address")?.to_owned();
        Ok(Self { child, home: home.to_owned(), p2p })
    }

    /// A command on this node's home, which asks this node.
    fn run(&self, exit: i32, words: &[&str]) -> Result<Value> {
        let home = self.home.to_str().context("a path that is not text")?;
        let out = aula(&[words, &["--home", home, "--output", "json"]].concat())?;
        line(&out, exit).with_context(|| format!("aula {}", words.join(" ")))
    }

    /// Asks until the answer is as wanted.
    fn until(&self, what: &str, words: &[&str], wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let start = Instant::now();
        loop {
            let told = self.run(0, words)?;
            if wanted(&told) {
                return Ok(told);
            }
            ensure!(start.elapsed() < LONG, "{what}: {told}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port with a free one after it: gossip has the next.
fn port() -> Result<u16> {
    loop {
        let first = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        if first < u16::MAX && std::net::TcpListener::bind(("127.0.0.1", first + 1)).is_ok() {
            return Ok(first);
        }
    }
}

fn command(home: &Path, words: &[&str]) -> Result<Value> {
    let home = home.to_str().context("a path that is not text")?;
    line(&aula(&[words, &["--home", home, "--output", "json"]].concat())?, 0)
        .with_context(|| format!("aula {}", words.join(" ")))
}

/// Four founders: each makes its folder, one builds the genesis from their files, each joins it and starts.
fn founders(folder: &TempDir) -> Result<(Vec<Running>, PathBuf)> {
    let homes: Vec<PathBuf> = (1..=4).map(|n| folder.path().join(format!("founder-{n}"))).collect();
    let mut words = vec!["genesis".to_owned(), "--name".into(), "county".into(), "--operator".into()];
    for (home, n) in homes.iter().zip(1..) {
        let p2p = format!("/ip4/127.0.0.1/tcp/{}", port()?);
        command(home, &["init", "--name", &format!("founder-{n}"), "--p2p", &p2p])?;
        words.push(home.join("operator.json").display().to_string());
    }
    let genesis = folder.path().join("genesis.json");
    words.extend(["-o".to_owned(), genesis.display().to_string()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    command(&homes[0], &words)?;
    for home in &homes {
        let joined = command(
            home,
            &[
                "join",
                "--genesis",
                &genesis.display().to_string(),
                "--listen",
                &format!("127.0.0.1:{}", port()?),
            ],
        )?;
        ensure!(joined["request"].is_null(), "a founder needs no admission: {joined}");
    }
    let running = homes.iter().map(|home| Running::start(home)).collect::<Result<_>>()?;
    Ok((running, genesis))
}

fn validators(told: &Value) -> usize {
    told["now"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_joins_four_founders_with_its_request_and_three_votes_and_votes_itself() -> Result<()> {
    let _turn = alone().await;
    let began = Instant::now();
    let folder = tempfile::tempdir()?;
    let (founders, genesis) = founders(&folder)?;
    let peers: Vec<&str> = founders.iter().map(|one| one.p2p.as_str()).collect();
    let home = folder.path().join("lake");
    let joined = command(
        &home,
        &[
            "join",
            "--genesis",
            &genesis.display().to_string(),
            "--peer",
            &peers.join(","),
            "--name",
            "lake",
            "--p2p",
            &format!("/ip4/127.0.0.1/tcp/{}", port()?),
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
    let request = joined["request"].as_str().context("no request file")?.to_owned();
    // It may start before anybody knows it, and waits.
    let lake = Running::start(&home)?;

    let proposed = founders[0].run(0, &["consortium", "propose", &request])?;
    let number = proposed["proposal"].to_string();
    let open = founders[2].run(0, &["consortium", "list", "--open"])?;
    assert_eq!((&open["proposals"][0]["for"], &open["proposals"][0]["needed"]), (&0.into(), &3.into()));
    for founder in &founders[..3] {
        founder.run(0, &["consortium", "vote", &number, "yes"])?;
    }
    let listed = founders[3].run(0, &["consortium", "list"])?;
    let first = &listed["proposals"][0];
    assert_eq!((&first["standing"], &first["for"]), (&"applied".into(), &3.into()), "{first}");
    assert!(
        first["what"].as_str().is_some_and(|what| what.contains("lake") && what.contains("Lake County")),
        "{first}"
    );
    founders[0].run(1, &["consortium", "vote", &number, "yes"])?;

    // Nobody does anything more: it follows, says itself that it is ready, and signs.
    let told =
        founders[0].until("the fifth never votes", &["query", "validators"], |told| validators(told) == 5)?;
    println!("measured: from the first command to five validators {:.1} s", began.elapsed().as_secs_f64());
    let known = told["known"].as_array().context("no validators")?;
    let address = known.iter().find(|one| one["name"] == "lake").context("not known")?["address"].clone();
    let signs = |told: &Value| {
        told["blocks"].as_array().into_iter().flatten().any(|block| block["proposer"] == address)
    };
    founders[1].until("the fifth never proposes", &["query", "blocks", "--limit", "20"], signs)?;

    // It acts for its district and votes, through its own node.
    lake.until("the fifth is not level", &["query", "districts"], |told| told["count"] == 1)?;
    lake.run(0, &["district", "school", "add", "--school", "51", "--name", "Lakeside", "--type", "rural"])?;
    let schools = lake.run(0, &["district", "school", "list"])?;
    assert_eq!(schools["schools"][0]["name"], "Lakeside");
    let proposed = founders[1].run(
        0,
        &[
            "consortium",
            "propose",
            "--admit-district",
            "6",
            "--name",
            "River County",
            "--operator",
            "founder-2",
        ],
    )?;
    let number = proposed["proposal"].to_string();
    for voter in [&lake, &founders[0], &founders[1]] {
        assert_eq!(voter.run(0, &["consortium", "vote", &number, "yes"])?["standing"], "open");
    }
    let decided = founders[2].run(0, &["consortium", "vote", &number, "yes"])?;
    assert_eq!(decided["standing"], "applied", "four of five are more than two thirds");
    founders[1]
        .run(0, &["district", "school", "add", "--school", "61", "--name", "Ford", "--type", "rural"])?;

    // It pays, and runs a class.
    let year = schools["schools"][0]["from_year"].to_string();
    lake.run(0, &["funder", "fund", "--year", &year, "--cents", "600000"])?;
    let class = [
        "steward",
        "class",
        "--class",
        "1",
        "--title",
        "Devices",
        "--year",
        &year,
        "--kinds",
        "tablet,laptop",
    ];
    lake.run(0, &[&class[..], &["--waitlist", "60"]].concat())?;
    let pool =
        ["steward", "pool", "--class", "1", "--kind", "laptop", "--places", "10", "--unit-cents", "30000"];
    lake.run(0, &[&pool[..], &["--pool", "1", "--school", "51"]].concat())?;
    lake.run(0, &[&pool[..], &["--pool", "2", "--school", "61"]].concat())?;
    let stated = lake.run(0, &["funder", "state", "--year", &year])?;
    assert_eq!((&stated["total_cents"], &stated["schools"]), (&600_000.into(), &2.into()));
    let opened = lake.run(0, &["steward", "open", "--class", "1"])?;
    assert_eq!(opened["round"], 0);
    founders[0].run(0, &["consortium", "propose", "--cancel-round", "0"])?;
    println!("measured: the whole story {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}
