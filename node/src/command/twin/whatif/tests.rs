use super::*;
use crate::command::Verdict;
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
