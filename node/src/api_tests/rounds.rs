//! A decided round as everybody and a family's question see it: one rule decides what is withheld.

use aula_ledger::audit::{Bundle, Subject};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::proof::money::{BudgetLine, Purse};
use aula_ledger::rounds::sample::audit_sample;
use aula_ledger::state::{StateReader, schema};
use aula_ledger::tx::{
    BudgetStatement, Claims, DefineClass, DefinePool, Mandate, RecordAudit, Replay, ReportUtilisation,
    TakeRows,
};
use aula_ledger::types::{
    Cents, ClassId, CommitmentBytes, DistrictId, Handle, Hash, PoolId, SchoolId, SchoolYear,
};
use aula_zk::{Opening, Scalar};
use clap::Parser;
use ed25519_dalek::SigningKey;
use rand::rngs::OsRng;
use serde_json::json;

use super::*;
use crate::cli::{Cli, Command};
use crate::command::query;
use crate::terminal::{Context, Outcome, Verdict};
use aula_kit::round::{Other, ROUND, accept, class, copied, decided, handle, pool, revert};

#[tokio::test]
async fn everybody_sees_the_ledgers_report_and_no_small_count() -> Tested {
    let s = served_chain(decided()?).await?;
    let round: Value = s.client.get("/v1/rounds/0").await.map_err(failed)?;
    // Nothing else of the round's record: how many pairs it has would tell how many ask.
    let shown: Vec<&String> = round.as_object().ok_or("an object")?.keys().collect();
    assert_eq!(
        shown,
        [
            "as_of_height",
            "attempt",
            "class",
            "decision",
            "equity",
            "follows",
            "opened",
            "opened_ms",
            "parameters",
            "replaced_by",
            "request_window_ms",
            "requests",
            "requests_until",
            "reveal_window_ms",
            "reverted_at",
            "round",
            "school_year",
            "standing",
            "status",
            "terms",
            "title",
            "window",
            "window_since",
            "window_until"
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
    let seed = &report["seed"];
    let node = json!([account_of(&public_key(s.chain.seed_key()))]);
    assert_eq!((&seed["missing"], &seed["revealed"]), (&json!([]), &node));
    assert_eq!(
        (&seed["attempt"], &seed["draw"], &seed["seeds_open_to_the_missing"]),
        (&json!(2), &json!(1), &json!(1))
    );
    // Who withheld in the first attempt is named.
    let first = &seed["earlier_attempts"][0];
    assert_eq!((&first["missing"], &first["seeds_open_to_the_missing"]), (&node, &json!(2)));
    let owed = |report: &Value| report["acknowledgements"][0].clone();
    assert_eq!((&owed(&report)["places"], &owed(&report)["state"]), (&Value::Null, &json!("waiting")));
    Ok(())
}

#[tokio::test]
async fn what_follows_a_decision_is_in_the_report() -> Tested {
    let mut s = served_chain(decided()?).await?;
    let used = |pool, in_use| ReportUtilisation { pool: PoolId(pool), in_use }.into();
    accept(&mut s.chain, vec![used(1, 4), used(2, 10)])?;
    revert(&mut s.chain)?;
    let report: Value = s.client.get("/v1/rounds/0/report").await.map_err(failed)?;
    let in_use: Vec<&Value> =
        report["utilisation"].as_array().ok_or("a list")?.iter().map(|l| &l["in_use"]).collect();
    assert_eq!(in_use, [&Value::Null, &json!(10)]);
    assert_eq!((&report["stands"], &report["reverted"]["freed"]), (&json!(false), &Value::Null));
    assert_eq!(report["acknowledgements"][0]["state"], "overdue");
    let block: Value =
        s.client.get(&format!("/v1/blocks/{}", report["as_of_height"])).await.map_err(failed)?;
    assert_eq!(block["outlines"][0]["events"][1]["freed"], Value::Null);
    let missing = s.client.get::<Value>("/v1/rounds/7/report").await.err().ok_or("a report")?;
    assert!(missing.is_not_found(), "{missing}");
    Ok(())
}

/// What pages, API and CSV say of a round whose decision stands, and of the same once it was taken back.
#[tokio::test]
async fn a_reverted_decision_says_so_wherever_it_is_shown() -> Tested {
    let mut s = served_chain(decided()?).await?;
    let page = async |s: &Served, path: &str| -> Result<String, Box<dyn std::error::Error>> {
        Ok(String::from_utf8(s.client.get_bytes(path).await.map_err(failed)?)?)
    };
    let pages = ["/", "/rounds", "/rounds/0", "/pools/1", "/schools/11", "/districts/1"];
    for path in pages {
        let text = page(&s, path).await?;
        assert!(text.contains("stands") || path == "/rounds/0", "{path}");
        assert!(!text.contains("<strong>reverted") && !text.contains("Reverted:"), "{path}");
    }
    // Due within a millisecond of block time, so late from the next block on.
    s.chain.block(&[]).map_err(failed)?;
    s.chain.block(&[]).map_err(failed)?;
    assert!(page(&s, "/").await?.contains("Acknowledgements that are overdue"));
    let own = page(&s, "/rounds/0").await?;
    assert!(own.contains("id=\"acknowledgements\"") && own.contains("2 of 2 are overdue"));
    revert(&mut s.chain)?;
    for path in pages {
        let text = page(&s, path).await?;
        assert!(
            text.contains("<strong>reverted") || text.contains("Reverted: this decision no longer"),
            "{path}"
        );
    }
    assert!(
        !page(&s, "/").await?.contains("Acknowledgements that are overdue"),
        "nobody owes what does not stand"
    );
    for path in ["/v1/rounds/0", "/v1/rounds/0/report"] {
        assert_eq!(s.client.get::<Value>(path).await.map_err(failed)?["standing"], "reverted", "{path}");
    }
    let all: Value = s.client.get("/v1/rounds").await.map_err(failed)?;
    let tip = s.client.height().await.map_err(failed)?;
    assert_eq!(
        (&all["rounds"][0]["standing"], &all["rounds"][0]["reverted_at"]),
        (&json!("reverted"), &json!(tip))
    );
    assert_eq!(
        s.client.get::<Value>("/v1/rounds/0/figures").await.map_err(failed)?["figures"]["round"]["standing"],
        "reverted"
    );
    for (file, line) in [
        ("rounds.csv", "round,class,title,school_year,status,standing,"),
        ("schools-of-round-0.csv", "round,standing,"),
        ("pools-of-round-0.csv", "round,standing,"),
    ] {
        let csv = page(&s, &format!("/v1/export/{file}")).await?;
        assert!(csv.starts_with(line) && csv.contains(",reverted,"), "{file}: {csv}");
    }
    Ok(())
}

#[tokio::test]
async fn the_truth_audit_is_counted_by_district_and_who_took_the_rows_is_told() -> Tested {
    let mut s = served_chain(decided()?).await?;
    let audits = async |s: &Served| s.client.get::<Value>("/v1/rounds/0/audits").await.map_err(failed);
    let told = audits(&s).await?;
    assert_eq!(
        (&told["all"]["drawn"], &told["all"]["open"], &told["rows_taken"]),
        (&json!(1), &json!(1), &json!([]))
    );
    let view = s.chain.db.latest();
    let decision = schema::decision(&*view, ROUND)?.ok_or("a decision")?;
    let asked = (1..=24).map(|number| (DistrictId(1), handle(number), Mandate::None));
    let sample = audit_sample(&decision.seed, asked);
    let (district, drawn) = sample.keys().next().copied().ok_or("nobody is drawn")?;
    let key = schema::round_row_key(district, &drawn);
    let row = view.row(&schema::requests_tree(ROUND), &key)?.ok_or("a request")?;
    let state_row = schema::decode::<schema::RequestRow>(&row)?.state_row;
    let audit = RecordAudit {
        round: ROUND,
        district,
        handle: drawn,
        state_row,
        replay: Replay::Agrees,
        claims: Claims::default(),
        report: Hash([3; 32]),
    };
    accept(&mut s.chain, vec![TakeRows { round: ROUND }.into(), audit.into()])?;
    let told = audits(&s).await?;
    assert_eq!(told["districts"][0]["replayed"], 1);
    assert_eq!((&told["districts"][0]["district"], &told["all"]["open"]), (&json!(1), &json!(0)));
    assert_eq!((&told["rows_taken"][0]["name"], &told["rows_taken"][0]["times"]), (&json!("all"), &json!(1)));
    let page = String::from_utf8(s.client.get_bytes("/rounds/0").await.map_err(failed)?)?;
    assert!(
        page.contains("1 students drawn, of 0 nothing is on record yet")
            && !page.contains(&drawn.to_string())
    );
    let csv =
        String::from_utf8(s.client.get_bytes("/v1/export/audits-of-round-0.csv").await.map_err(failed)?)?;
    assert!(csv.ends_with("0,1,1,1,0,0,0,0,0,0\n"), "{csv}");
    let audits = s.client.get::<Value>("/v1/rounds/7/audits").await;
    assert!(audits.is_err_and(|error| error.is_not_found()));
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
    let mut s = served_chain(decided()?).await?;
    // The home's member is an auditor too, whom the ledger lists as having the round's rows.
    accept(&mut s.chain, vec![TakeRows { round: ROUND }.into()])?;
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

#[tokio::test]
async fn a_district_is_told_why_of_its_own_student_and_of_no_other() -> Tested {
    let s = served_chain(copied(3)?).await?;
    let district = |key: &SigningKey| {
        let (genesis, account) = (s.chain.genesis.sha256, account_of(&public_key(key)));
        s.client.signed_by(genesis, account, key.clone(), Scope::District)
    };
    let (one, two) = (district(&s.chain.account_key), district(&Other::District2.key()));
    let path =
        |district: u16, number: u8| format!("/v1/districts/{district}/rounds/0/why/{}", handle(number));
    let mut waiting = 0;
    for number in 1..=24 {
        let told: Value = one.get(&path(1, number)).await.map_err(failed)?;
        assert_eq!((&told["gap_ppm"], &told["standing"]), (&json!(0), &json!("stands")));
        // How many others would move is a count of other districts' students.
        assert!(told["what_if"]["others_moved"].is_null());
        let text = told["text"].as_str().ok_or("words")?;
        assert!(text.contains("Exactly: ") && !text.contains("other students would be elsewhere"), "{text}");
        if told["given"]["placement"]["placement"] == "waitlist" {
            waiting += 1;
            assert_eq!((&told["least_band"], &told["what_if"]["same_place"]), (&json!(4), &json!(false)));
        }
    }
    assert!(waiting > 0);
    // Two districts have the handle: each is told of its own row.
    let copy: Value = two.get(&path(2, 3)).await.map_err(failed)?;
    assert!(copy["text"].as_str().is_some_and(|text| text.contains("of school 21")), "{copy}");
    for (client, path, code) in [
        (&two, path(2, 4), "no_request"),
        (&one, path(2, 3), "forbidden"),
        (&two, path(1, 3), "forbidden"),
        (&s.client, path(1, 3), "unauthorized"),
    ] {
        let refused = client
            .get::<Value>(&path)
            .await
            .err()
            .map(Failure::from)
            .ok_or_else(|| format!("{path} is open"))?;
        assert!(
            refused.code == code || code != "no_request" && refused.code != "not_found",
            "{path}: {}",
            refused.code
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_auditor_is_asked_which_of_two_districts_is_meant() -> Tested {
    let mut s = served_chain(copied(3)?).await?;
    accept(&mut s.chain, vec![TakeRows { round: ROUND }.into()])?;
    let key = Other::Auditor.key();
    let taken = s.chain.first_of(&key, TakeRows { round: ROUND });
    s.chain.block(&[taken]).map_err(failed)?;
    let (genesis, account) = (s.chain.genesis.sha256, account_of(&public_key(&key)));
    let auditor = s.client.signed_by(genesis, account, key, Scope::Round(ROUND));
    let path = |number: u8| format!("/v1/evidence/allocation/0/{}", handle(number));
    let refused =
        auditor.get_bytes(&path(3)).await.err().map(Failure::from).ok_or("one of two was chosen")?;
    assert_eq!(refused.code, "two_districts");
    assert!(refused.message.contains("districts 1, 2") && refused.hint.contains("?district="), "{refused:?}");
    let claim = Claim {
        genesis,
        account,
        expires_ms: aula_home::clock::now_ms() + 60_000,
        scope: Scope::Round(ROUND),
    };
    let shown = Credential::sign(&claim, &Other::Auditor.key()).to_string();
    let address = format!("{}{}", s.client.origin(), path(3));
    let told = reqwest::Client::new().get(address).header(HEADER, shown).send().await?;
    assert_eq!(told.status().as_u16(), 409);
    for district in [1, 2] {
        let bytes = auditor.get_bytes(&format!("{}?district={district}", path(3))).await.map_err(failed)?;
        let Subject::Allocation(shown) = Bundle::from_canonical(&bytes)?.subject else {
            return Err("a decision".into());
        };
        assert_eq!(shown.district, DistrictId(district));
    }
    assert!(auditor.get_bytes(&path(4)).await.is_ok(), "one district alone has it");
    Ok(())
}

#[tokio::test]
async fn a_statement_of_money_that_is_no_longer_so_says_it_wherever_it_stands() -> Tested {
    let mut s = served_chain(decided()?).await?;
    let (year, funder) = (SchoolYear(1988), s.chain.account());
    let genesis = s.chain.genesis.sha256;
    let purse = Purse { chain: &genesis, funder, school_year: year };
    // Two schools have pools of 4 and 11 places at 100 cents.
    let charged = [400u64, 1_100];
    let amounts = charged.map(|cents| Opening::new(cents, Scalar::from(cents + 7)));
    let line = |(school, amount): (u32, &Opening)| {
        let amount = CommitmentBytes(*amount.commit()?.as_bytes());
        Ok::<_, Box<dyn std::error::Error>>(BudgetLine { school: SchoolId(school), amount })
    };
    let lines = [11, 12].into_iter().zip(&amounts).map(line).collect::<Result<Vec<_>, _>>()?;
    let (as_of, total_cents) = (s.chain.db.latest().tip().height, Cents(charged.iter().sum()));
    let proof = purse.charged(as_of, &lines, &charged)?.prove(&amounts, &mut OsRng)?;
    let statement = BudgetStatement { school_year: year, as_of, total_cents, lines, proof };
    accept(&mut s.chain, vec![statement.into()])?;
    let view = s.chain.db.latest();
    let stated = view.receipts(view.tip().height)?.ok_or("receipts")?[0].transaction;
    let places = [
        "/budgets".to_owned(),
        "/v1/budgets".into(),
        "/v1/export/budgets.csv".into(),
        "/v1/export/transactions.csv".into(),
        "/transactions".into(),
        format!("/transactions/{stated}"),
        format!("/v1/transactions/{stated}"),
    ];
    let superseded = async |s: &Served, path: &str| -> Result<bool, Box<dyn std::error::Error>> {
        let told = String::from_utf8(s.client.get_bytes(path).await.map_err(failed)?)?;
        Ok(told.contains("superseded"))
    };
    for path in &places {
        assert!(!superseded(&s, path).await?, "{path} before");
    }
    let other = DefineClass { class: ClassId(2), ..class()? };
    let another = DefinePool { class: other.class, ..pool(&s.chain, 3, 12, 1) };
    accept(&mut s.chain, vec![other.into(), another.into()])?;
    for path in &places {
        assert!(superseded(&s, path).await?, "{path} after");
    }
    let told: Value = s.client.get("/v1/budgets").await.map_err(failed)?;
    assert_eq!(
        (&told["budgets"][0]["statement"], &told["budgets"][0]["floor"]),
        (&json!("superseded"), &json!("not_stated"))
    );
    Ok(())
}
