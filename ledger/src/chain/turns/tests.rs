use super::*;
use crate::keys::public_key;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;

fn set(powers: &[u64]) -> ValidatorSet {
    let validator =
        |(seed, power): (u8, &u64)| Validator::new(public_key(&SigningKey::from_bytes(&[seed; 32])), *power);
    ValidatorSet::new((1u8..).zip(powers).map(validator).collect()).unwrap()
}

fn of(set: &ValidatorSet, misses: &Misses, height: u64, round: u32) -> ValidatorAddress {
    Turns::new(set, misses, Height(height)).proposer(round).unwrap().address
}

/// Decides heights from `from` on while some are dead: the first live one in turn builds. Per height, how many had to be
/// waited for.
fn decide(
    set: &ValidatorSet,
    misses: &mut Misses,
    heights: std::ops::Range<u64>,
    dead: &[ValidatorAddress],
) -> Vec<u32> {
    let waited = heights.map(|height| {
        let round = (0..1_000).find(|round| !dead.contains(&of(set, misses, height, *round))).unwrap();
        misses.note(set, Height(height), of(set, misses, height, round));
        round
    });
    waited.collect()
}

#[test]
fn one_dead_of_four_costs_five_rounds_in_a_hundred_heights_and_one_in_forty_later() {
    let (set, mut misses) = (set(&[1; 4]), Misses::default());
    let dead = [set.validators()[2].address];
    let waited = decide(&set, &mut misses, 1..101, &dead);
    let missed: Vec<u64> =
        (1u64..).zip(&waited).filter(|(_, rounds)| **rounds > 0).map(|(height, _)| height).collect();
    assert_eq!(missed, [2, 10, 26, 58, 98], "at its own turns, ever more seldom");
    assert!(waited.iter().all(|rounds| *rounds <= 1));
    let later = decide(&set, &mut misses, 101..1_101, &dead);
    assert_eq!(later.iter().sum::<u32>(), 25);
    // It is back: asked at its next turn, and as before from then on.
    assert_eq!(decide(&set, &mut misses, 1_101..1_141, &[]).iter().sum::<u32>(), 0);
    assert_eq!(misses, Misses::default());
    let plain: Vec<_> = (1_141..1_145).map(|height| of(&set, &misses, height, 0)).collect();
    assert_eq!(plain.iter().filter(|one| **one == dead[0]).count(), 1);
}

#[test]
fn two_dead_of_seven_are_both_left_out_and_a_third_is_not() {
    let (set, mut misses) = (set(&[1; 7]), Misses::default());
    let all: Vec<_> = set.validators().iter().map(|validator| validator.address).collect();
    decide(&set, &mut misses, 1..3, &[all[1], all[2]]);
    let turns = Turns::new(&set, &misses, Height(3));
    assert!(turns.leaves_out(&all[1]) && turns.leaves_out(&all[2]));
    // A network that loses everybody's blocks blames many; no more than f are left out.
    for (height, builder) in [(3, all[0]), (4, all[0]), (5, all[6])] {
        misses.note(&set, Height(height), builder);
    }
    assert!(misses.latest.len() > 2);
    let turns = Turns::new(&set, &misses, Height(6));
    assert_eq!(all.iter().filter(|one| turns.leaves_out(one)).count(), 2);
}

#[test]
fn a_builder_that_is_no_validator_and_validators_that_left_say_nothing() {
    let (four, mut misses) = (set(&[1; 4]), Misses::default());
    assert!(!misses.note(&four, Height(1), ValidatorAddress([9; 20])));
    let dead = four.validators()[2].address;
    decide(&four, &mut misses, 1..10, &[dead]);
    assert_eq!(misses.latest.len(), 1);
    let rest = four.validators().iter().filter(|one| one.address != dead).cloned().collect();
    let rest = ValidatorSet::new(rest).unwrap();
    let next = of(&rest, &misses, 10, 0);
    misses.note(&rest, Height(10), next);
    assert_eq!(misses, Misses::default());
}

#[test]
fn the_record_fits_for_the_largest_set() {
    let miss = |n: u8| Miss { validator: ValidatorAddress([n; 20]), height: Height(u64::MAX), in_a_row: 4 };
    let most = Misses { latest: (0..200).map(miss).collect() };
    assert_eq!(Misses::from_canonical(&most.to_stored().unwrap()), Ok(most));
}

fn powers() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![(1usize..=10).prop_map(|count| vec![1; count]), proptest::collection::vec(1u64..40, 1..10),]
}

proptest! {
    /// Whoever a hostile network lets build: less than a third is left out, and with equal powers everybody has a turn at
    /// least every ten times as many heights as there are validators.
    #[test]
    fn nobody_is_kept_out_for_long_whoever_builds(powers in powers(), rounds in proptest::collection::vec(0u32..12, 400)) {
        let (set, mut misses) = (set(&powers), Misses::default());
        let count = powers.len() as u64;
        let mut last = vec![0u64; powers.len()];
        for (height, round) in (1u64..).zip(rounds) {
            let turns = Turns::new(&set, &misses, Height(height));
            let out = set.validators().iter().filter(|one| turns.leaves_out(&one.address));
            prop_assert!(out.map(|one| one.power).sum::<u64>() * 3 < set.total_power());
            (0..=round).for_each(|round| last[turns.position(round).unwrap()] = height);
            if powers.iter().all(|power| *power == powers[0]) {
                prop_assert!(last.iter().all(|last| height - last <= 10 * count), "{last:?} at {height}");
            }
            let builder = turns.proposer(round).unwrap().address;
            misses.note(&set, Height(height), builder);
            prop_assert!(misses.of(&builder).is_none(), "a block of its own ends it");
        }
    }

    /// Hostile validators may miss their own turns as they like: as long as the honest ones' blocks get through, no honest
    /// one is ever left out, and has every turn that it would have had.
    #[test]
    fn the_hostile_get_nobody_left_out_but_themselves(
        powers in powers(), hostile in proptest::collection::vec(any::<bool>(), 10), lies in proptest::collection::vec(any::<bool>(), 300),
    ) {
        let (set, mut misses) = (set(&powers), Misses::default());
        let is_hostile = |address: &ValidatorAddress| {
            set.validators().iter().zip(&hostile).any(|(one, hostile)| one.address == *address && *hostile)
        };
        prop_assume!(!set.validators().iter().all(|one| is_hostile(&one.address)));
        for (height, lies) in (1u64..).zip(lies) {
            let owner = of(&set, &Misses::default(), height, 0);
            if !is_hostile(&owner) {
                prop_assert_eq!(of(&set, &misses, height, 0), owner);
            }
            // The first who does not keep silent; in a cycle of tiny powers perhaps nobody of the first rounds.
            let speaks = |address: &ValidatorAddress| !(lies && is_hostile(address));
            let Some(builder) = (0..1_000).map(|round| of(&set, &misses, height, round)).find(speaks) else { continue };
            misses.note(&set, Height(height), builder);
            prop_assert!(misses.latest.iter().all(|miss| is_hostile(&miss.validator)), "{:?}", misses);
        }
    }

    /// Every round of a height has somebody, and the late ones everybody.
    #[test]
    fn late_rounds_leave_nobody_out(powers in powers(), rounds in proptest::collection::vec(0u32..12, 60)) {
        let (set, mut misses) = (set(&powers), Misses::default());
        for (height, round) in (1u64..).zip(rounds) {
            let builder = of(&set, &misses, height, round);
            misses.note(&set, Height(height), builder);
        }
        let (count, none) = (powers.len() as u32, Misses::default());
        for round in count..count + 20 {
            prop_assert_eq!(of(&set, &misses, 61, round), of(&set, &none, 61, round));
        }
    }
}
