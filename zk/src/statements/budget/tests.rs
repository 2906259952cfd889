//! Budgets: the total is exact, no line is negative or too large.

use super::*;
use crate::Commitment;
use crate::Rejected;
use crate::Scalar;
use crate::testing::{context, line, opening, seeded};

const CAP: u32 = 1_000_000;

fn budget(amounts: &[u64], cap: u32, total: u64) -> (Result<Budget, BudgetError>, Vec<Opening>) {
    let numbered = || (1_u8..).zip(amounts.iter().copied());
    let lines: Vec<Line> = numbered().map(|(n, amount)| line(n, amount)).collect();
    (Budget::new(&context(), &lines, cap, total), numbered().map(|(n, amount)| opening(n, amount)).collect())
}

#[test]
fn a_budget_holds_for_every_count_of_lines() {
    for count in 1..=10_u64 {
        let amounts: Vec<u64> = (0..count).map(|i| i * 90_000).collect();
        let (budget, openings) = budget(&amounts, CAP, amounts.iter().sum());
        let budget = budget.unwrap();
        let proof = budget.prove(&openings, &mut seeded(1)).unwrap();
        assert_eq!(budget.verify(&proof), Ok(()), "{count}");
        let wire = borsh::to_vec(&proof).unwrap();
        assert_eq!(borsh::from_slice::<BudgetProof>(&wire).unwrap(), proof);
    }
}

#[test]
fn amounts_beyond_the_cap_and_wrong_totals_are_refused() {
    let (over, openings) = budget(&[1, 1_000_001], CAP, 1_000_002);
    assert_eq!(
        over.unwrap().prove(&openings, &mut seeded(1)),
        Err(BudgetError::Amount(ProveError::False(1)))
    );
    let (wrong, openings) = budget(&[1, 2], CAP, 4);
    assert_eq!(wrong.unwrap().prove(&openings, &mut seeded(1)), Err(BudgetError::Sum(SchnorrError::False)));
}

#[test]
fn money_cannot_come_from_a_negative_line() {
    // Lines 100 + 5 and −5: the sum is right, and only the range proof stands in the way.
    let blinding = *opening(2, 0).blinding();
    let point = crate::commitment::bases().commit(-Scalar::from(5_u64), blinding);
    let negative = Line { subject: [2; 32], commitment: Commitment::from_bytes(point.compress().0).unwrap() };
    let statement = Budget::new(&context(), &[line(1, 105), negative], u32::MAX, 100).unwrap();
    let (honest, openings) = budget(&[105, 5], u32::MAX, 110);
    let mut proof = honest.unwrap().prove(&openings, &mut seeded(1)).unwrap();
    assert_eq!(statement.verify(&proof), Err(Rejected));
    let zero_sum = Sum::new(context(), vec![line(1, 105)], 105).unwrap();
    proof.sum = zero_sum.prove(&openings[..1], &mut seeded(1)).unwrap();
    assert_eq!(statement.verify(&proof), Err(Rejected));
}

#[test]
fn proofs_missing_swapped_or_too_many_are_refused() {
    let amounts: Vec<u64> = (1..=9).collect();
    let (budget, openings) = budget(&amounts, CAP, 45);
    let budget = budget.unwrap();
    let proof = budget.prove(&openings, &mut seeded(1)).unwrap();
    assert_eq!(proof.ranges.len(), 3);
    let mut changed = proof.clone();
    changed.ranges.swap(0, 1);
    assert_eq!(budget.verify(&changed), Err(Rejected));
    changed.ranges.truncate(2);
    assert_eq!(budget.verify(&changed), Err(Rejected));
    let mut changed = proof.clone();
    changed.ranges.push(proof.ranges[0].clone());
    assert_eq!(budget.verify(&changed), Err(Rejected));
    assert_eq!(
        budget.prove(&openings[..8], &mut seeded(1)).map(|_| ()),
        Err(BudgetError::Sum(SchnorrError::Count))
    );
}

#[test]
fn a_subject_has_one_line() {
    let lines = [line(1, 1), line(3, 1), line(3, 2)];
    assert_eq!(Budget::new(&context(), &lines, CAP, 4), Err(BudgetError::Order(2)));
    assert_eq!(Budget::new(&context(), &[line(3, 1), line(1, 1)], CAP, 2), Err(BudgetError::Order(1)));
    assert_eq!(Budget::new(&context(), &[], CAP, 0), Err(BudgetError::Sum(SchnorrError::Count)));
}
