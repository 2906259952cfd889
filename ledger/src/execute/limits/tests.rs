use super::*;
use crate::code::Code;
use crate::codec::Canonical;
use crate::params::PROPOSE_TIMEOUT_MS;
use crate::proof::TreeHead;
use crate::state::{Overlay, TreeRecord, tree_key};
use crate::testkit::*;
use crate::tx::{AnchorStates, Mandate, Payload};
use crate::types::{Hash, RoundId, SchoolYear};

/// A chain whose tree records claim so many leaves; what is counted reads nothing else of a tree.
fn with_trees(mut chain: Chain, trees: &[(String, u64)]) -> Chain {
    let mut overlay = Overlay::new(&chain.state);
    for (label, leaf_count) in trees {
        let head = TreeHead { leaf_count: *leaf_count, root: Hash([1; 32]) };
        schema::write(&mut overlay, tree_key(label), &TreeRecord { label: label.clone(), head });
    }
    let before = schema::chain(&chain.state).unwrap();
    let height = chain.height.next();
    schema::write(&mut overlay, schema::chain_key(), &schema::ChainRecord { height, ..before });
    let (_, writes) = overlay.finish(height).unwrap();
    chain.state.apply(writes);
    chain.height = height;
    chain
}

fn one_leaf(year: u16) -> Payload {
    AnchorStates { school_year: SchoolYear(year), ..anchor([1], 11) }.into()
}

fn cost(chain: &Chain, sender: &str, payload: Payload) -> Cost {
    let transaction = chain.transaction(sender, 0, payload);
    cost_of(&transaction, transaction.to_canonical().len())
}

#[test]
fn attack_05_one_leaf_in_many_large_trees_does_not_fit_a_block() {
    let trees =
        |leaves| (0..20u16).map(|n| (schema::students_tree(DistrictId(1), SchoolYear(n)), leaves)).collect();
    let block = |chain: &Chain| -> Vec<Vec<u8>> {
        let sent = |n: u16| chain.transaction("district-1", n.into(), one_leaf(n)).to_canonical();
        (0..20).map(sent).collect()
    };
    let trees: Vec<(String, u64)> = trees(199_000);
    let chain = with_trees(Chain::new(), &trees);
    assert_eq!(
        chain.try_block(&block(&chain)).unwrap_err(),
        ExecuteError::OverLimit { limit: "max_block_work" },
        "twenty small transactions, 44 to 48 ms each"
    );
    let mut budget = Budget::new(&chain.state).unwrap();
    let fits = (0..20)
        .take_while(|year| budget.charge(&cost(&chain, "district-1", one_leaf(*year))).is_ok())
        .count();
    assert!((1..20).contains(&fits), "{fits}");
    let half = PROPOSE_TIMEOUT_MS * 1_000_000 / 2;
    assert!(fits as u64 * 199_000 * unit::LEAF < half);
}

#[test]
fn a_tree_is_charged_once_a_block_and_by_its_size() {
    let label = schema::students_tree(DistrictId(1), YEAR);
    let chain = with_trees(Chain::new(), &[(label, 100_000)]);
    let mut budget = Budget::new(&chain.state).unwrap();
    let one = cost(&chain, "district-1", anchor([1], 11).into());
    let before = budget.work_left();
    budget.charge(&one).unwrap();
    let first = before - budget.work_left();
    budget.charge(&one).unwrap();
    let second = before - first - budget.work_left();
    assert_eq!(first - second, 100_000 * unit::LEAF);
    assert_eq!(second, one.work);
}

#[test]
fn what_does_not_fit_charges_nothing_and_says_which_limit() {
    let chain = ready();
    let params =
        crate::params::Params { max_block_account_transactions: 1, ..schema::params(&chain.state).unwrap() };
    let mut budget = Budget::of(&chain.state, chain.height.next(), params);
    let one = cost(&chain, "funder", fund(1).into());
    budget.charge(&one).unwrap();
    let left = budget.work_left();
    assert_eq!(budget.charge(&one), Err(Full::Over("max_block_account_transactions")));
    assert_eq!(budget.work_left(), left);
    assert_eq!(budget.fits(&cost(&chain, "funder-b", fund(1).into())), Ok(()));
}

#[test]
fn attack_06_a_batch_for_a_round_that_takes_none_takes_nobodys_range_values() {
    let chain = ready();
    let batch = crate::tx::SubmitRequests {
        round: RoundId(u32::MAX),
        requests: (0..500).map(|n| request(n, 11, band_of(n), crate::tx::Mandate::None, &[0])).collect(),
        proofs: Vec::new(),
    };
    let garbage = cost(&chain, "district-1", batch.into());
    assert_eq!(garbage.range_values, 1_000);
    let mut budget = Budget::new(&chain.state).unwrap();
    for _ in 0..5 {
        budget.charge(&garbage).unwrap();
    }
}

#[test]
fn a_round_that_cannot_run_takes_no_place_of_a_round() {
    let chain = ready();
    let mut budget = Budget::new(&chain.state).unwrap();
    let unknown = cost(&chain, "voter-a", run(7).into());
    budget.charge(&unknown).unwrap();
    budget.charge(&unknown).unwrap();
    let block: Vec<Vec<u8>> =
        (0..2).map(|n| chain.transaction("voter-a", n, run(7).into()).to_canonical()).collect();
    let outcome = chain.try_block(&block).unwrap();
    assert!(outcome.receipts.iter().all(|receipt| receipt.code == Code::UnknownRound));
}

#[test]
fn attack_14_a_round_that_failed_costs_its_work_once() {
    let mut chain = Chain::with_params(|params| params.max_round_work = 1);
    prepare(&mut chain);
    chain.accept("voter-a", open(1));
    let requests = (0..12).map(|n| request(n, 11, band_of(n), crate::tx::Mandate::None, &[0, 1])).collect();
    let batch = submit(&chain, 0, requests);
    chain.accept("district-1", batch);
    chain.draw(0);
    let charged = |chain: &Chain| {
        let mut budget = Budget::new(&chain.state).unwrap();
        let left = budget.work_left();
        budget.charge(&cost(chain, "voter-a", run(0).into())).unwrap();
        left - budget.work_left()
    };
    let first = charged(&chain);
    assert_eq!(chain.send("voter-a", run(0)).code, Code::NotProved);
    assert!(charged(&chain) * 100 < first, "{} of {first}", charged(&chain));
    assert_eq!(chain.send("voter-a", run(0)).code, Code::RunRefused);
    // Other parameters may let it end otherwise.
    let params = schema::params(&chain.state).unwrap();
    let more = crate::params::Params { max_round_work: 1_000_000, ..params };
    let refused = schema::refused_run(&chain.state, RoundId(0)).unwrap().unwrap();
    assert!(!refused.stands(&more));
}

#[test]
fn attack_04_a_run_by_who_is_not_the_steward_does_not_take_the_blocks_one_place() {
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    let batch = submit(&chain, 0, (0..4).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect());
    chain.accept("district-1", batch);
    chain.draw(0);
    let mut budget = Budget::new(&chain.state).unwrap();
    assert_eq!(budget.params().max_block_rounds, 1);
    let before = budget.work_left();
    let stranger = cost(&chain, "voter-b", run(0).into());
    for _ in 0..5 {
        budget.charge(&stranger).unwrap();
    }
    assert_eq!(before - budget.work_left(), 5 * stranger.work, "nothing is run, nothing is charged for it");
    let steward = cost(&chain, "voter-a", run(0).into());
    budget.charge(&steward).unwrap();
    assert_eq!(budget.charge(&steward), Err(Full::Over("max_block_rounds")));
    let bytes = |sender: &str| chain.transaction(sender, 0, run(0).into()).to_canonical();
    let block = chain.try_block(&[bytes("voter-b"), bytes("voter-a")]).unwrap();
    let codes: Vec<Code> = block.receipts.iter().map(|receipt| receipt.code).collect();
    assert_eq!(codes, [Code::NotSteward, Code::Accepted]);
}
