//! A consortium that founds itself, grows and governs itself, by commands alone: no typed JSON, no demo, each node a process
//! on a home of its own.

use std::time::Instant;

use anyhow::{Context, Result};
use aula_tests::alone;
use aula_tests::founders::{Founded, Running, command, port};
use serde_json::Value;

fn validators(told: &Value) -> usize {
    told["now"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_joins_four_founders_with_its_request_and_three_votes_and_votes_itself() -> Result<()> {
    let _turn = alone().await;
    let began = Instant::now();
    let folder = tempfile::tempdir()?;
    let Founded { nodes: founders, genesis } = Founded::start(folder.path(), 4, None)?;
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
    let number = founders[1].proposes_river_county("founder-2")?;
    for voter in [&lake, &founders[0], &founders[1]] {
        assert_eq!(voter.run(0, &["consortium", "vote", &number, "yes"])?["standing"], "open");
    }
    let decided = founders[2].run(0, &["consortium", "vote", &number, "yes"])?;
    assert_eq!(decided["standing"], "applied", "four of five are more than two thirds");
    founders[1]
        .run(0, &["district", "school", "add", "--school", "61", "--name", "Ford", "--type", "rural"])?;

    // It pays, and runs a class.
    let year = schools["schools"][0]["from_year"].to_string();
    lake.pays_for_devices(&year, "600000")?;
    lake.opens_places("1", "51", "laptop", "10")?;
    lake.opens_places("2", "61", "laptop", "10")?;
    let stated = lake.run(0, &["funder", "state", "--year", &year])?;
    assert_eq!((&stated["total_cents"], &stated["schools"]), (&600_000.into(), &2.into()));
    let opened = lake.run(0, &["steward", "open", "--class", "1"])?;
    assert_eq!(opened["round"], 0);
    founders[0].run(0, &["consortium", "propose", "--cancel-round", "0"])?;
    println!("measured: the whole story {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}
