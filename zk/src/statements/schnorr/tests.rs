//! Sums and equality: true ones hold, false ones are refused, moved ones fail.

use super::*;
use crate::Moment;
use crate::testing::{context, field, line, opening, seeded};

fn sum(values: &[u64], total: u64) -> (Sum, Vec<Opening>) {
    let numbered = || (1_u8..).zip(values.iter().copied());
    let openings = numbered().map(|(n, value)| opening(n, value)).collect();
    (Sum::new(context(), numbered().map(|(n, value)| line(n, value)).collect(), total).unwrap(), openings)
}

#[test]
fn a_sum_holds_for_its_total_alone() {
    let (statement, openings) = sum(&[5, 0, u64::MAX - 5], u64::MAX);
    let proof = statement.prove(&openings, &mut seeded(1)).unwrap();
    assert_eq!(statement.verify(&proof), Ok(()));
    for total in [0, 4, u64::MAX - 1] {
        let (other, openings) = sum(&[5, 0, u64::MAX - 5], total);
        assert_eq!(other.verify(&proof), Err(Rejected), "{total}");
        assert_eq!(other.prove(&openings, &mut seeded(1)), Err(SchnorrError::False), "{total}");
    }
}

#[test]
fn a_forged_sum_convinces_nobody() {
    let (statement, openings) = sum(&[5, 6], 12);
    let blinding = openings[0].blinding() + openings[1].blinding();
    let proof = prove(statement.transcript(), &blinding, &mut seeded(1));
    assert_eq!(statement.verify(&proof), Err(Rejected));
}

#[test]
fn a_sum_moved_to_any_other_place_fails() {
    let (statement, openings) = sum(&[5, 6], 11);
    let proof = statement.prove(&openings, &mut seeded(1)).unwrap();
    let lines = || vec![line(1, 5), line(2, 6)];
    let place = |chain: [u8; 32], moment, name: &str, lines| {
        Sum::new(Context::new(chain, moment, field(name)), lines, 11).unwrap()
    };
    let (chain, round) = ([1; 32], Moment::Round(7));
    assert_eq!(place(chain, round, "need", lines()).verify(&proof), Ok(()));
    let mut renamed = lines();
    renamed[0].subject = [9; 32];
    let mut swapped = lines();
    swapped.swap(0, 1);
    for (what, other) in [
        ("chain", place([2; 32], round, "need", lines())),
        ("moment", place(chain, Moment::Height(7), "need", lines())),
        ("field", place(chain, round, "amount", lines())),
        ("subject", place(chain, round, "need", renamed)),
        ("order", place(chain, round, "need", swapped)),
        ("commitment", place(chain, round, "need", vec![line(1, 6), line(2, 5)])),
    ] {
        assert_eq!(other.verify(&proof), Err(Rejected), "{what}");
    }
}

#[test]
fn openings_that_do_not_fit_a_sum_are_refused() {
    let (statement, openings) = sum(&[5, 6], 11);
    assert_eq!(statement.prove(&openings[..1], &mut seeded(1)), Err(SchnorrError::Count));
    let wrong = [openings[0].clone(), opening(2, 7)];
    assert_eq!(statement.prove(&wrong, &mut seeded(1)), Err(SchnorrError::NotAnOpening(1)));
    assert_eq!(Sum::new(context(), vec![], 0), Err(SchnorrError::Count));
    assert_eq!(Sum::new(context(), vec![line(1, 1); MAX_LINES + 1], 0), Err(SchnorrError::Count));
    let (overflowing, openings) = sum(&[u64::MAX, 1], 0);
    assert_eq!(overflowing.prove(&openings, &mut seeded(1)), Err(SchnorrError::False));
}

fn equality(left: &Opening, right: &Opening) -> Equality {
    let (left, right) = (left.commit().unwrap(), right.commit().unwrap());
    Equality { context: context(), subject: [1; 32], left, right }
}

#[test]
fn equality_holds_for_equal_values_alone() {
    let (left, right, other) = (opening(1, 700), opening(2, 700), opening(2, 701));
    let statement = equality(&left, &right);
    let proof = statement.prove(&left, &right, &mut seeded(1)).unwrap();
    assert_eq!(statement.verify(&proof), Ok(()));
    assert_eq!(equality(&left, &other).prove(&left, &other, &mut seeded(1)), Err(SchnorrError::False));
    assert_eq!(statement.prove(&left, &other, &mut seeded(1)), Err(SchnorrError::NotAnOpening(1)));
    assert_eq!(statement.prove(&right, &right, &mut seeded(1)), Err(SchnorrError::NotAnOpening(0)));
    let forged =
        prove(equality(&left, &other).transcript(), &(left.blinding() - other.blinding()), &mut seeded(1));
    assert_eq!(equality(&left, &other).verify(&forged), Err(Rejected));
    assert_eq!(equality(&left, &left).prove(&left, &left, &mut seeded(1)).map(|_| ()), Ok(()));
}

#[test]
fn equality_moved_to_any_other_place_fails() {
    let (left, right) = (opening(1, 700), opening(2, 700));
    let statement = equality(&left, &right);
    let proof = statement.prove(&left, &right, &mut seeded(1)).unwrap();
    let mut moved = statement.clone();
    moved.subject = [2; 32];
    assert_eq!(moved.verify(&proof), Err(Rejected));
    let mut moved = statement.clone();
    moved.context = Context::new([1; 32], Moment::Round(8), field("need"));
    assert_eq!(moved.verify(&proof), Err(Rejected));
    assert_eq!(equality(&right, &left).verify(&proof), Err(Rejected));
    assert_eq!(equality(&left, &opening(3, 700)).verify(&proof), Err(Rejected));
}

#[test]
fn a_changed_bit_of_a_schnorr_proof_is_refused() {
    let (statement, openings) = sum(&[5, 6], 11);
    let wire = borsh::to_vec(&statement.prove(&openings, &mut seeded(1)).unwrap()).unwrap();
    assert_eq!(wire.len(), 64);
    assert!(borsh::from_slice::<SchnorrProof>(&wire[..63]).is_err());
    for bit in 0..512 {
        let mut changed = wire.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(proof) = borsh::from_slice::<SchnorrProof>(&changed) {
            assert_eq!(statement.verify(&proof), Err(Rejected), "{bit}");
        }
    }
}
