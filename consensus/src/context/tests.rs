use super::*;
use aula_ledger::chain;
use aula_ledger::keys::public_key;
use ed25519_dalek::SigningKey;

fn set(powers: &[(u8, u64)]) -> ValidatorSet {
    let validators = powers
        .iter()
        .map(|(seed, power)| chain::Validator::new(public_key(&SigningKey::from_bytes(&[*seed; 32])), *power))
        .collect();
    ValidatorSet::of(&chain::ValidatorSet::new(validators).unwrap()).unwrap()
}

#[test]
fn a_set_is_sorted_and_found_by_address() {
    let set = set(&[(3, 1), (1, 1), (2, 1)]);
    assert!(set.validators().windows(2).all(|w| w[0].address < w[1].address));
    for validator in set.validators() {
        assert_eq!(set.by_address(&validator.address), Some(validator));
    }
    assert_eq!(set.by_address(&Address(ValidatorAddress([9; 20]))), None);
}

#[test]
fn equal_power_rotates_over_heights_and_rounds() {
    let set = set(&[(1, 1), (2, 1), (3, 1), (4, 1)]);
    for height in 0..20u64 {
        for round in 0..9u32 {
            let got = AulaContext.select_proposer(&set, Height(height), Round::new(round));
            let want = &set.validators()[((height + u64::from(round)) % 4) as usize];
            assert_eq!(got.address, want.address);
        }
    }
}

#[test]
fn power_gives_turns_in_proportion() {
    let set = set(&[(1, 3), (2, 1)]);
    let heavy = set.validators().iter().find(|v| v.power == 3).unwrap().address;
    let turns = (0..400u64)
        .filter(|h| AulaContext.select_proposer(&set, Height(*h), Round::new(0)).address == heavy)
        .count();
    assert_eq!(turns, 300);
}

#[test]
fn the_proposer_depends_on_nothing_but_set_height_and_round() {
    let old = set(&[(1, 1), (2, 1), (3, 1), (4, 1)]);
    let new = set(&[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]);
    let before = AulaContext.select_proposer(&old, Height(77), Round::new(2)).address;
    // Asking about another set in between changes nothing: there is no memory.
    let _ = AulaContext.select_proposer(&new, Height(78), Round::new(0));
    assert_eq!(AulaContext.select_proposer(&old, Height(77), Round::new(2)).address, before);
}

#[test]
fn the_largest_height_does_not_overflow() {
    let set = set(&[(1, 1), (2, 1), (3, 1)]);
    let _ = AulaContext.select_proposer(&set, Height(u64::MAX), Round::new(u32::MAX));
    assert_eq!(Height(u64::MAX).increment_by(5), Height(u64::MAX));
    assert_eq!(Height(0).decrement_by(1), None);
}

/// A validator of power w used to have w turns in a row: if it was down, w rounds failed one after another.
#[test]
fn nobody_below_a_third_of_the_power_has_two_turns_in_a_row() {
    for powers in
        [&[(1, 3), (2, 2), (3, 2), (4, 2), (5, 2)][..], &[(1, 30), (2, 25), (3, 25), (4, 17), (5, 1)]]
    {
        let set = set(powers);
        let total = set.total_power();
        let turn = |n: u64| AulaContext.select_proposer(&set, Height(n), Round::new(0)).address;
        for n in 0..2 * total {
            assert_ne!(turn(n), turn(n + 1), "turns {n} and the next of {powers:?}");
            // The next round of a height is the turn of the next height.
            let next = AulaContext.select_proposer(&set, Height(n), Round::new(1)).address;
            assert_eq!(next, turn(n + 1));
        }
        for validator in set.validators() {
            let turns = (0..total).filter(|n| turn(*n) == validator.address).count() as u64;
            assert_eq!(turns, validator.power);
        }
    }
}
