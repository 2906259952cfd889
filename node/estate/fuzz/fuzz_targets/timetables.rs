//! Instances of courses (`.ctt`): refused with a place, or searched a little and counted the same by the evaluator, whatever they say.

#![no_main]

use aula_estate::budget::Budget;
use aula_estate::ctt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(instance) = ctt::read(bytes) else { return };
    let cells = u64::from(instance.days * instance.periods_per_day) * instance.rooms.len() as u64;
    if cells * instance.courses.len() as u64 > 100_000 {
        return;
    }
    let budget = &mut Budget { iterations: 2_000, expired: &mut || false };
    let found = ctt::search::search(&instance, ctt::search::Options::default(), budget);
    let score = ctt::evaluate::evaluate(&instance, &found.lessons);
    assert_eq!(score.occupancy, 0);
    assert!(score.opened_room_days >= ctt::bound::room_days(&instance) || score.hard() > 0);
    let written = ctt::write_solution(&instance, &found.lessons);
    let again = ctt::read_solution(&instance, &written).expect("what was written is read");
    assert_eq!(ctt::evaluate::evaluate(&instance, &again), score);
});
