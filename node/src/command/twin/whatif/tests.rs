use super::*;
use crate::command::{Advise, Verdict};
use crate::terminal::OutputFormat;
use crate::testkit::DevChain;

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
