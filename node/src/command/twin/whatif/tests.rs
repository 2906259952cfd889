use super::*;
use crate::command::{Advise, Verdict};
use crate::terminal::OutputFormat;
use aula_kit::DevChain;

fn args(height: Option<u64>, changes: &[&str]) -> WhatIfArgs {
    let changes = changes.iter().map(|c| (*c).to_owned()).collect();
    WhatIfArgs {
        height,
        changes,
        work: 1_000_000_000,
        twins: None,
        from_vault: None,
        credential: None,
        graph: None,
        responses: None,
        personas: 4,
        seed: 1,
        estate: None,
        district: None,
        day: crate::command::estate::whatif::DayArgs { day_start: 480, period_minutes: 60 },
    }
}

fn asked(args: &WhatIfArgs) -> Result<(Verdict, serde_json::Value, String), Failure> {
    let mut chain = DevChain::new()?;
    let transaction = chain.proposal(100);
    chain.block(&[transaction])?;
    chain.block(&[])?;
    let root = chain.db.latest().tip().height;
    let (home, folder) = chain.close();
    let context = Context { home, output: OutputFormat::Json, log: None };
    let outcome = run(&context, args)?;
    drop(folder);
    Ok((outcome.verdict, outcome.answer.map(|a| a.json).unwrap_or_default(), root.to_string()))
}

#[test]
fn an_empty_change_reproduces_the_chain() -> Result<(), Failure> {
    let (verdict, json, tip) = asked(&args(None, &[]))?;
    assert_eq!((verdict, &json["reproduced"]), (Verdict::Yes, &true.into()));
    assert_eq!(json["height"].to_string(), tip);
    let (_, earlier, _) = asked(&args(Some(1), &[]))?;
    assert_eq!(earlier["height"], 1);
    assert_ne!(earlier["state_root"], json["state_root"]);
    Ok(())
}

#[test]
fn a_change_of_nothing_and_a_height_beyond_the_tip_are_refused() -> Result<(), Failure> {
    let code = |args: &WhatIfArgs| asked(args).map(|_| ()).map_err(|f| f.code);
    assert_eq!(code(&args(None, &["pool.1.capacity=3"])), Err("nothing_to_change".to_owned()));
    assert_eq!(code(&args(None, &["method.0=150%"])), Err("nothing_to_change".to_owned()));
    assert_eq!(code(&args(Some(99), &[])), Err("no_height".to_owned()));
    assert_eq!(code(&args(None, &["x=1"])), Err("bad_set".to_owned()));
    Ok(())
}

#[test]
fn the_estate_is_changed_beside_the_chain() -> Result<(), Failure> {
    let folder = tempfile::tempdir().advise("no folder", "make room")?;
    let mut with = args(None, &["close=A1@mon"]);
    with.estate = Some(folder.path().to_owned());
    assert_eq!(asked(&with).map(drop).map_err(|failure| failure.code), Err("no_file".to_owned()));
    let estate = r#"{"sites":[{"id":"s"}],"buildings":[{"id":"A","site":"s"}],
      "rooms":[{"id":"A1","building":"A","capacity":30},{"id":"A2","building":"A","capacity":30}]}"#;
    let week = "day,period,lesson,room,students\nmon,1,maths,A1,25\ntue,1,maths,A1,25\n";
    for (name, text) in [("estate.json", estate), ("schedule.csv", week)] {
        std::fs::write(folder.path().join(name), text).advise("no file", "make room")?;
    }
    let (verdict, json, _) = asked(&with)?;
    let told = &json["estate"];
    assert_eq!(told["reseated"]["moved"][0]["to"], serde_json::json!(["A2"]), "{json}");
    assert_eq!(told["buildings"][0]["version"], serde_json::Value::Null);
    // The chain is what it was: only the estate was changed.
    assert_eq!((verdict, &json["reproduced"]), (Verdict::Yes, &true.into()));
    with.changes = vec!["close=Z".to_owned()];
    assert_eq!(asked(&with).map(drop).map_err(|failure| failure.code), Err("bad_scenario".to_owned()));
    with.changes = vec!["colour=red".to_owned()];
    assert_eq!(asked(&with).map(drop).map_err(|failure| failure.code), Err("bad_set".to_owned()));
    Ok(())
}

const ESTATE: &str = r#"{"sites":[{"id":"s"}],"buildings":[{"id":"A","site":"s"}],
  "rooms":[{"id":"A1","building":"A","capacity":30},{"id":"A2","building":"A","capacity":30}]}"#;

fn folder() -> Result<tempfile::TempDir, Failure> {
    let folder = tempfile::tempdir().advise("no folder", "make room")?;
    let week = "day,period,lesson,room,students\nmon,1,maths,A1,25\n";
    for (name, text) in [("estate.json", ESTATE), ("schedule.csv", week)] {
        std::fs::write(folder.path().join(name), text).advise("no file", "make room")?;
    }
    Ok(folder)
}

#[test]
fn what_the_folder_is_refused_for_is_said_before_the_chain_is_asked() -> Result<(), Failure> {
    // There is no chain at all: whoever asks it first says that instead.
    let nowhere = tempfile::tempdir().advise("no folder", "make room")?;
    let context = Context {
        home: aula_home::Home::at(nowhere.path().to_owned()),
        output: OutputFormat::Json,
        log: None,
    };
    let code = |args: &WhatIfArgs| run(&context, args).map(drop).map_err(|failure| failure.code);
    let folder = folder()?;
    let mut with = args(None, &["close=Z@mon"]);
    with.estate = Some(folder.path().to_owned());
    assert_eq!(code(&with), Err("bad_scenario".to_owned()));
    with.changes = vec!["students=110%".to_owned(), "students=90%".to_owned()];
    assert_eq!(code(&with), Err("bad_scenario".to_owned()));
    with.estate = Some(nowhere.path().to_owned());
    assert_eq!(code(&with), Err("no_file".to_owned()));
    Ok(())
}

#[test]
fn the_buildings_are_held_against_those_of_ones_own_district() -> Result<(), Box<dyn std::error::Error>> {
    use aula_estate::anchor::{Row, root, rows};
    use aula_kit::round::{Other, accept, base};
    use aula_ledger::names::Title;
    use aula_ledger::tx::AnchorEstate;
    use aula_ledger::types::Hash;

    let estate = aula_estate::check::estate::read_estate(ESTATE.as_bytes())?;
    let leaves: Vec<_> = rows(&estate, "A").iter().map(Row::leaf).collect();
    let anchored = |root| -> Result<AnchorEstate, Box<dyn std::error::Error>> {
        Ok(AnchorEstate { building: Title::new("A")?, version: 1, root, leaf_count: leaves.len() as u64 })
    };
    let folder = folder().map_err(aula_kit::failed)?;
    // District 2 has a building of the same name, just as the folder says it; district 1, whose home this is, has another.
    for own in [false, true] {
        let mut chain = DevChain::of(base).map_err(aula_kit::failed)?;
        let theirs = chain.first_of(&Other::District2.key(), anchored(Hash(root(&leaves)))?);
        let receipts = chain.block(&[theirs]).map_err(aula_kit::failed)?;
        assert_eq!(receipts[0].code.number(), 0);
        if own {
            accept(&mut chain, vec![anchored(Hash([7; 32]))?.into()])?;
        }
        let (home, kept) = chain.close();
        let context = Context { home, output: OutputFormat::Json, log: None };
        let told = |district| {
            let with = WhatIfArgs { district, ..args(None, &["close=A1@mon"]) };
            let with = WhatIfArgs { estate: Some(folder.path().to_owned()), ..with };
            let outcome = run(&context, &with).map_err(aula_kit::failed)?;
            let json = outcome.answer.map(|answer| answer.json).unwrap_or_default();
            Ok::<_, Box<dyn std::error::Error>>(json["estate"]["buildings"][0].clone())
        };
        let version = if own { serde_json::json!(1) } else { serde_json::Value::Null };
        let expected =
            serde_json::json!({ "building": "A", "district": 1, "version": version, "as_anchored": false });
        assert_eq!(told(None)?, expected);
        let theirs = serde_json::json!({ "building": "A", "district": 2, "version": 1, "as_anchored": true });
        assert_eq!(told(Some(2))?, theirs);
        drop(kept);
    }
    Ok(())
}
