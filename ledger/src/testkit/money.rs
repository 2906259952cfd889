//! Statements about money, for tests: a school's amount and weight are blinded by its number.

use std::collections::BTreeMap;

use aula_zk::{Opening, Scalar};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Chain, YEAR, account};
use crate::proof::committed::ProofBytes;
use crate::proof::money::{BudgetLine, BudgetProofBytes, Purse, commit_weight};
use crate::rounds::weight;
use crate::state::{StateReader, schema};
use crate::tx::{BudgetStatement, EquityStatement};
use crate::types::*;

/// Amounts of the four schools that sum to the 100,000 of a prepared chain.
pub const AMOUNTS: [(u32, u64); 4] = [(11, 70_000), (12, 10_000), (21, 19_999), (22, 1)];

fn amount(school: u32, cents: u64) -> Opening {
    Opening::new(cents, Scalar::from(u64::from(school) * 1_000_003))
}

fn blinding(school: u32) -> Hash {
    Hash(Scalar::from(u64::from(school) * 7_919).to_bytes())
}

fn purse(chain: &Hash, school_year: SchoolYear) -> Purse<'_> {
    Purse { chain, funder: account("funder"), school_year }
}

/// A statement of these amounts by "funder"; `total` must be their sum.
pub fn stated(chain: &Hash, amounts: &[(u32, u64)], total: u64) -> BudgetStatement {
    stated_for(chain, YEAR, amounts, total)
}

pub fn stated_for(
    chain: &Hash,
    school_year: SchoolYear,
    amounts: &[(u32, u64)],
    total: u64,
) -> BudgetStatement {
    let openings: Vec<Opening> = amounts.iter().map(|(school, cents)| amount(*school, *cents)).collect();
    let line = |((school, _), opening): (&(u32, u64), &Opening)| BudgetLine {
        school: SchoolId(*school),
        amount: CommitmentBytes(*opening.commit().expect("hidden").as_bytes()),
    };
    let lines: Vec<BudgetLine> = amounts.iter().zip(&openings).map(line).collect();
    let (as_of, total_cents) = (Height(1), Cents(total));
    let statement = purse(chain, school_year).budget(as_of, &lines, total_cents).expect("a statement");
    let proof = statement.prove(&openings, &mut StdRng::seed_from_u64(9)).expect("a proof");
    BudgetStatement { school_year, as_of, total_cents, lines, proof: BudgetProofBytes(proof) }
}

/// A statement by "funder" that each school was charged this much as of a height; the amounts must be those proved.
pub fn charged_as_of(chain: &Hash, as_of: Height, amounts: &[(u32, u64)]) -> BudgetStatement {
    let openings: Vec<Opening> = amounts.iter().map(|(school, cents)| amount(*school, *cents)).collect();
    let line = |((school, _), opening): (&(u32, u64), &Opening)| BudgetLine {
        school: SchoolId(*school),
        amount: CommitmentBytes(*opening.commit().expect("hidden").as_bytes()),
    };
    let lines: Vec<BudgetLine> = amounts.iter().zip(&openings).map(line).collect();
    let values: Vec<u64> = amounts.iter().map(|(_, cents)| *cents).collect();
    let statement = purse(chain, YEAR).charged(as_of, &lines, &values).expect("a statement");
    let proof = statement.prove(&openings, &mut StdRng::seed_from_u64(11)).expect("a proof");
    let total_cents = Cents(values.iter().sum());
    BudgetStatement { school_year: YEAR, as_of, total_cents, lines, proof }
}

/// The weights of a round's requests by school, as the ledger sums them.
pub fn weights_of(chain: &Chain, round: RoundId) -> BTreeMap<u32, u64> {
    let record = schema::round(&chain.state, round).expect("a store").expect("a round");
    let mut sums = BTreeMap::new();
    for (_, row) in chain.state.rows(&schema::requests_tree(round)).expect("a store") {
        let row: schema::RequestRow = schema::decode(&row).expect("a request");
        *sums.entry(row.home_school.0).or_default() += u64::from(weight(record.equity, row.band));
    }
    sums
}

/// That each of [`AMOUNTS`] is at least `floor_cents` a hundredth of a pupil; it must be.
pub fn floor_stated(chain: &Chain, weights: &BTreeMap<u32, u64>, floor_cents: u32) -> EquityStatement {
    floor_on(&chain.parsed.sha256, &AMOUNTS, weights, floor_cents)
}

pub fn floor_on(
    chain: &Hash,
    amounts: &[(u32, u64)],
    weights: &BTreeMap<u32, u64>,
    floor_cents: u32,
) -> EquityStatement {
    let weight = |school: u32| weights.get(&school).copied().unwrap_or(0);
    let schools = || amounts.iter().map(|(school, _)| *school);
    let lines = stated(chain, amounts, amounts.iter().map(|(_, cents)| cents).sum()).lines;
    let commit = |school| commit_weight(weight(school), &blinding(school).0).expect("hidden");
    let committed: Vec<CommitmentBytes> = schools().map(commit).collect();
    let openings: Vec<Opening> = amounts
        .iter()
        .flat_map(|(school, cents)| {
            let scalar = Scalar::from_canonical_bytes(blinding(*school).0).expect("canonical");
            [amount(*school, *cents), Opening::new(weight(*school), scalar)]
        })
        .collect();
    let floors = purse(chain, YEAR).floors(RoundId(0), &lines, &committed, floor_cents).expect("a statement");
    let prove = |(statement, openings): (&aula_zk::Statement, &[Opening])| {
        ProofBytes(statement.prove(openings, &mut StdRng::seed_from_u64(10)).expect("a proof"))
    };
    EquityStatement {
        school_year: YEAR,
        round: RoundId(0),
        floor_cents,
        blindings: schools().map(blinding).collect(),
        proofs: floors.iter().zip(openings.chunks(16)).map(prove).collect(),
    }
}
