//! The read model over a chain of the tests: cursors, the index, words.

use crate::read::index::Index;
use crate::read::{search, transactions};
use crate::testkit::DevChain;

type Tested = Result<(), Box<dyn std::error::Error>>;

fn failed(failure: crate::terminal::Failure) -> Box<dyn std::error::Error> {
    failure.message.into()
}

fn refused(error: crate::api::ApiError) -> Box<dyn std::error::Error> {
    error.detail().message.clone().into()
}

#[test]
fn a_cursor_neither_misses_nor_repeats_while_the_chain_grows() -> Tested {
    let mut chain = DevChain::new().map_err(failed)?;
    let index = Index::default();
    for height in 0..5 {
        let batch = [chain.proposal(100 + height), chain.proposal(200 + height)];
        chain.block(&batch).map_err(failed)?;
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = transactions::page(&chain.db.latest(), &index, before, &[], 3).map_err(refused)?;
        seen.extend(page.transactions.iter().map(|line| line.ordinal));
        // The chain grows between any two pages.
        let more = chain.proposal(900);
        chain.block(&[more]).map_err(failed)?;
        let Some(next) = page.next else { break };
        before = Some(next);
    }
    assert_eq!(seen, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    Ok(())
}

#[test]
fn the_index_says_the_same_as_the_chain_whatever_the_steps() -> Tested {
    let mut chain = DevChain::new().map_err(failed)?;
    let early = Index::default();
    for height in 0..6 {
        let one = chain.proposal(100 + height);
        chain.block(&[one]).map_err(failed)?;
        drop(early.follow(&chain.db.latest())?);
    }
    let late = Index::default();
    let view = chain.db.latest();
    let (a, b) = (early.follow(&view)?, late.follow(&view)?);
    assert_eq!((a.transactions(), a.height()), (6, 6));
    assert!((0..6).all(|ordinal| a.entry(ordinal) == b.entry(ordinal)));
    let validator = view.header(aula_ledger::types::Height(1))?.ok_or("no header")?.proposer;
    assert_eq!(a.work(&validator), b.work(&validator));
    assert_eq!(
        (a.work(&validator).expected, a.work(&validator).signed, a.work(&validator).proposed),
        (6, 6, 6)
    );
    Ok(())
}

#[test]
fn search_understands_heights_hashes_and_names_and_says_the_same_of_every_handle() -> Tested {
    let mut chain = DevChain::new().map_err(failed)?;
    let one = chain.proposal(100);
    let id = one.id().to_string();
    chain.block(&[one]).map_err(failed)?;
    let view = chain.db.latest();
    let hrefs = |text: &str| -> Result<Vec<String>, crate::storage::StorageError> {
        Ok(search::search(&view, text)?.into_iter().map(|hit| hit.href).collect())
    };
    assert_eq!(hrefs("1")?, ["/blocks/1"]);
    assert_eq!(hrefs(" Block 1 ")?, ["/blocks/1"]);
    assert_eq!(hrefs(&view.tip().hash.to_string())?, ["/blocks/1"]);
    assert_eq!(hrefs(&id)?, [format!("/transactions/{id}")]);
    assert_eq!(hrefs(&"ab".repeat(32))?, ["/family"]);
    assert!(hrefs(&chain.account().to_string())?.iter().any(|href| href.starts_with("/members#")));
    for hostile in
        ["", "   ", "<script>", "'; drop table", "\u{0}", "9999999999999999999999", "%00", &"x".repeat(5_000)]
    {
        assert!(hrefs(hostile)?.is_empty(), "{hostile:?}");
    }
    Ok(())
}
