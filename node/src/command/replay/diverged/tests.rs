//! The file of a divergence, executed by the command.

use aula_consensus::divergence::{Case, Facts};
use aula_ledger::chain::Block;
use aula_ledger::execute::{BlockInput, VerifyAll, execute_block};

use super::super::{ReplayArgs, run as replay};
use super::*;
use crate::command::{Context, Verdict};
use crate::terminal::OutputFormat;
use aula_kit::DevChain;

/// A file about a block with one transaction whose certified header was changed, and what `aula replay --diverged` says.
fn replayed(change: impl Fn(&mut Block)) -> Result<(Verdict, Value), Failure> {
    let mut chain = DevChain::new()?;
    chain.block(&[])?;
    let before = chain.db.latest();
    let transaction = chain.proposal(100);
    chain.block(&[transaction])?;
    let after = chain.db.latest();
    let height = after.tip().height;
    let mut block = after.block(height).advise("a database", "look")?.expect("the block of the tip");
    let outcome = execute_block(&*before, &BlockInput::of(&block), &VerifyAll);
    let facts = Facts::of(&outcome.expect("a final block executes"));
    change(&mut block);
    let (_, case) = Case::record(&LedgerExecutor::NEWEST, &*before, &block, vec![facts]);
    let (home, folder) = chain.close();
    let file = folder.path().join("diverged-2");
    case.write(&file).advise("the file", "look")?;
    let context = Context { home, output: OutputFormat::Json, log: None };
    let outcome = replay(&context, &ReplayArgs { diverged: Some(file) })?;
    Ok((outcome.verdict, outcome.answer.map(|answer| answer.json).unwrap_or_default()))
}

#[test]
fn a_block_that_this_program_executes_to_its_header_is_an_answer_of_yes() -> Result<(), Failure> {
    let (verdict, told) = replayed(|_| {})?;
    assert_eq!((verdict, &told["agrees"], &told["height"]), (Verdict::Yes, &true.into(), &2.into()));
    assert_eq!(told["roots"].as_array().map(Vec::len), Some(0));
    Ok(())
}

#[test]
fn one_that_it_does_not_names_the_root_and_the_only_transaction() -> Result<(), Failure> {
    let (verdict, told) = replayed(|block| block.header.state_root.0[0] ^= 1)?;
    assert_eq!((verdict, &told["agrees"]), (Verdict::No, &false.into()));
    assert_eq!(told["roots"][0]["name"], "state_root");
    assert_eq!(told["transaction"]["kind"], "ProposeChange");
    Ok(())
}

#[test]
fn a_file_that_is_none_is_refused_with_what_to_give() -> Result<(), Failure> {
    let (home, folder) = DevChain::new()?.close();
    let file = folder.path().join("other");
    std::fs::write(&file, b"something else").advise("the file", "look")?;
    let context = Context { home, output: OutputFormat::Json, log: None };
    let refused = replay(&context, &ReplayArgs { diverged: Some(file) }).map(|_| ()).unwrap_err();
    assert!(refused.hint.contains("the file that the node named"), "{refused:?}");
    Ok(())
}
