//! The read model over a chain of the tests: cursors, the index, words.

use aula_ledger::tx::PayloadKind;
use aula_ledger::types::{Height, ValidatorAddress};

use crate::index::{Index, Work};
use crate::{search, transactions};
use aula_kit::{DevChain, Tested, failed};
use aula_store::{ChainView, IndexRow, StorageError};

fn refused(error: crate::ReadError) -> Box<dyn std::error::Error> {
    error.into()
}

#[test]
fn a_cursor_neither_misses_nor_repeats_while_the_chain_grows() -> Tested {
    let mut chain = DevChain::new().map_err(failed)?;
    let index = Index::new(chain.db.read_index());
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
    let early = Index::new(chain.db.read_index());
    for height in 0..6 {
        let one = chain.proposal(100 + height);
        chain.block(&[one]).map_err(failed)?;
        drop(early.follow(&chain.db.latest())?);
    }
    let view = chain.db.latest();
    let stepwise = told(&early, &view)?;
    assert_eq!(stepwise.0, [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)]);
    assert_eq!((stepwise.1.expected, stepwise.1.signed, stepwise.1.proposed), (6, 6, 6));
    chain.db.read_index().clear()?;
    assert_eq!(told(&Index::new(chain.db.read_index()), &view)?, stepwise, "all at once");
    assert_eq!(told(&Index::new(chain.db.read_index()), &view)?, stepwise, "as it was kept");
    Ok(())
}

/// Every transaction's place, and the work of the first block's proposer.
type Told = (Vec<(u64, u32)>, Work);

fn told(index: &Index, view: &ChainView) -> Result<Told, StorageError> {
    let contents = index.follow(view)?;
    let mut places = Vec::new();
    for ordinal in 0..=contents.transactions() {
        let Some(entry) = contents.entry(ordinal)? else { continue };
        assert_eq!(contents.ordinal_of(entry.height, entry.index)?, Some(ordinal));
        places.push((entry.height, entry.index));
    }
    assert_eq!(contents.height(), view.tip().height.0);
    assert_eq!(contents.count_of(PayloadKind::ProposeChange), contents.transactions());
    assert_eq!(contents.count_of(PayloadKind::RunRound), 0);
    let proposer = view.header(Height(1))?.map_or(ValidatorAddress([0; 20]), |header| header.proposer);
    Ok((places, contents.work(&proposer)))
}

#[test]
fn a_block_tells_what_its_transactions_tell() -> Tested {
    let mut chain = DevChain::new().map_err(failed)?;
    let index = Index::new(chain.db.read_index());
    let batch = [chain.proposal(100), chain.proposal(200)];
    chain.block(&batch).map_err(failed)?;
    let view = chain.db.latest();
    let page = transactions::page(&view, &index, None, &[], 2).map_err(refused)?;
    let newest_first: Vec<_> = page.transactions.into_iter().map(|line| line.words).collect();
    assert_eq!(newest_first, [["Proposal 1 may be voted on."], ["Proposal 0 may be voted on."]]);
    let of_block = transactions::words_of_block(&view, Height(1)).map_err(refused)?.ok_or("the block")?;
    assert_eq!(of_block.into_iter().rev().collect::<Vec<_>>(), newest_first);
    assert_eq!(transactions::words_of_block(&view, Height(2)).map_err(refused)?, None);
    Ok(())
}

#[test]
fn an_index_of_another_chain_or_layout_is_made_again() -> Tested {
    let mut chain = DevChain::new().map_err(failed)?;
    let one = chain.proposal(100);
    chain.block(&[one]).map_err(failed)?;
    let view = chain.db.latest();
    let (rows, right) = (chain.db.read_index(), told(&Index::new(chain.db.read_index()), &view)?);
    let kept = rows.totals()?.ok_or("no totals")?;
    let mut spoilt = vec![b"no totals at all".to_vec()];
    // The layout's number, the height, the block's hash.
    for at in [0, 1, 9] {
        let mut other = kept.clone();
        other[at] ^= 1;
        spoilt.push(other);
    }
    for totals in spoilt {
        let alien = IndexRow { ordinal: 1, height: 9, index: 9, kind: 2, code: 0 };
        rows.append(&[alien], &totals)?;
        assert_eq!(told(&Index::new(rows.clone()), &view)?, right);
        assert_eq!(rows.row(1)?, None, "nothing of it is left");
    }
    Ok(())
}

#[test]
fn search_understands_heights_hashes_and_names_and_says_the_same_of_every_handle() -> Tested {
    let mut chain = DevChain::new().map_err(failed)?;
    let one = chain.proposal(100);
    let id = one.id().to_string();
    chain.block(&[one]).map_err(failed)?;
    let view = chain.db.latest();
    let hrefs = |text: &str| -> Result<Vec<String>, aula_store::StorageError> {
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
