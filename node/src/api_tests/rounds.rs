//! A decided round as the public, a member and a family's question see it: one rule decides what is withheld.

use aula_ledger::tx::{ReportUtilisation, RevertDecision};
use aula_ledger::types::{Handle, Hash, PoolId};
use clap::Parser;
use serde_json::json;

use super::*;
use crate::cli::{Cli, Command};
use crate::command::query::{self, member_client};
use crate::terminal::{Context, Outcome, Verdict};
use crate::testkit::round::{ROUND, accept, decided, handle};

#[tokio::test]
async fn the_public_sees_the_ledgers_report_and_no_small_count_a_member_sees_all() -> Tested {
    let s = served_chain(decided()?).await?;
    let round: Value = s.client.get("/v1/rounds/0").await.map_err(failed)?;
    // Nothing else of the round's record: how many pairs it has would tell how many ask.
    let shown: Vec<&String> = round.as_object().ok_or("an object")?.keys().collect();
    assert_eq!(
        shown,
        [
            "as_of_height",
            "class",
            "decision",
            "equity",
            "opened",
            "opened_ms",
            "requests",
            "requests_until",
            "reveals_until",
            "round",
            "school_year",
            "stale_from",
            "status",
            "terms",
            "title"
        ]
    );
    let decision = &round["decision"];
    // Nine of twenty-four wait: nine is small, so totals and the band are withheld, and the four with the eleven.
    assert_eq!(
        (&decision["requests"], &decision["placed"], &decision["first_choice"]),
        (&json!(24), &Value::Null, &Value::Null)
    );
    assert_eq!(
        decision["by_band"],
        json!([{ "band": 3, "requests": null, "placed": null, "first_choice": null }])
    );
    assert!(decision["prices"].as_array().ok_or("prices")?.iter().all(|line| line["used"].is_null()));
    assert_eq!(decision["optimal"], true);

    let report: Value = s.client.get("/v1/rounds/0/report").await.map_err(failed)?;
    assert_eq!((&report["stands"], &report["report"]["students"]), (&json!(true), &json!(24)));
    assert_eq!(report["report"]["pools"][0], json!({ "pool": 1, "demand": 24 }));
    assert_eq!(report["report"]["by_band"]["cells"], json!([{ "group": 3, "counts": null }]));
    assert_eq!(report["seed"]["missing"], json!([s.chain.account()]));
    assert_eq!(report["seed"]["seeds_open_to_the_missing"], 2);
    let owed = |report: &Value| report["acknowledgements"][0].clone();
    assert_eq!((&owed(&report)["places"], &owed(&report)["state"]), (&Value::Null, &json!("waiting")));

    let member = member_client(&s.client, &s.chain.home).await.map_err(failed)?;
    let report: Value = member.get("/v1/rounds/0/report").await.map_err(failed)?;
    assert_eq!(owed(&report)["places"], 4);
    assert_eq!(
        member.get::<Value>("/v1/rounds/0").await.map_err(failed)?["decision"]["report"]["placed"],
        15
    );
    Ok(())
}

#[tokio::test]
async fn what_follows_a_decision_is_in_the_report() -> Tested {
    let mut s = served_chain(decided()?).await?;
    let used = |pool, in_use| ReportUtilisation { pool: PoolId(pool), in_use }.into();
    let back = RevertDecision { round: ROUND, reason: Hash([4; 32]) };
    accept(&mut s.chain, vec![used(1, 4), used(2, 10), back.into()])?;
    let report: Value = s.client.get("/v1/rounds/0/report").await.map_err(failed)?;
    let in_use: Vec<&Value> =
        report["utilisation"].as_array().ok_or("a list")?.iter().map(|l| &l["in_use"]).collect();
    assert_eq!(in_use, [&Value::Null, &json!(10)]);
    assert_eq!((&report["stands"], &report["reverted"]["freed"]), (&json!(false), &Value::Null));
    assert_eq!(report["acknowledgements"][0]["state"], "overdue");
    let block: Value =
        s.client.get(&format!("/v1/blocks/{}", report["as_of_height"])).await.map_err(failed)?;
    assert_eq!(block["outlines"][0]["events"][0]["freed"], Value::Null);
    let member = member_client(&s.client, &s.chain.home).await.map_err(failed)?;
    let report: Value = member.get("/v1/rounds/0/report").await.map_err(failed)?;
    assert_eq!(report["reverted"]["freed"], 15);
    let missing = s.client.get::<Value>("/v1/rounds/7/report").await.err().ok_or("a report")?;
    assert_eq!(missing.code, "not_found");
    Ok(())
}

/// The answer of `aula query why` with these arguments, as the program would give it in this home.
async fn why(s: &Served, args: &[String]) -> Result<Outcome, Failure> {
    let origin = s.client.origin().to_owned();
    let given = ["aula", "query", "why", "--rpc", &origin].map(str::to_owned);
    let cli = Cli::try_parse_from(given.iter().chain(args))
        .map_err(|error| Failure::new("usage", error.to_string(), "mend the test"))?;
    let Command::Query(args) = &cli.command else { return Err(Failure::new("usage", "not a query", "")) };
    let context = Context { home: s.chain.home.clone(), output: cli.global.output, log: None };
    query::run(&context, args).await
}

#[tokio::test]
async fn a_family_is_told_why_and_what_if_from_the_nodes_round() -> Tested {
    let s = served_chain(decided()?).await?;
    let genesis = s.chain.home.genesis_file().display().to_string();
    let asked = |round: &str, handle: Handle, more: &[&str]| -> Vec<String> {
        let handle = handle.to_string();
        let plain = ["--round", round, "--genesis", &genesis, "--handle", &handle];
        plain.iter().chain(more).map(|text| (*text).to_owned()).collect()
    };
    let mut waiting = None;
    for number in 1..=24 {
        let outcome = why(&s, &asked("0", handle(number), &[])).await.map_err(failed)?;
        let answer = outcome.answer.ok_or("no answer")?;
        assert_eq!((&answer.json["verified"], &answer.json["gap_ppm"]), (&json!(true), &json!(0)));
        if answer.json["given"]["placement"]["placement"] == "waitlist" {
            waiting = Some((number, answer));
        }
    }
    // All twenty-four are alike but for the lottery, so one band more is what a waiting student lacks.
    let (number, answer) = waiting.ok_or("nobody waits")?;
    assert_eq!(
        (&answer.json["least_band"], &answer.json["what_if"]["same_place"]),
        (&json!(4), &json!(false))
    );
    assert!(
        answer.text.contains("Decided: waits") && answer.text.contains("with band 4: pool 1"),
        "{}",
        answer.text
    );
    let outcome = why(&s, &asked("0", handle(number), &["--mandated"])).await.map_err(failed)?;
    let text = outcome.answer.ok_or("no answer")?.text;
    assert!(text.contains("With a mandate: pool "), "{text}");

    let stranger = why(&s, &asked("0", handle(99), &[])).await.map_err(failed)?;
    assert_eq!(stranger.verdict, Verdict::No);
    let unknown = asked("7", handle(1), &[]);
    assert_eq!(why(&s, &unknown).await.err().map(|failure| failure.code).as_deref(), Some("not_found"));
    Ok(())
}
