//! Archives of schools (XHSTT): refused with a place, or searched a little, where the search's cost is what counting again gives.

#![no_main]

use aula_estate::budget::Budget;
use aula_estate::xhstt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = xhstt::read_solutions(bytes);
    let Ok(instance) = xhstt::read(bytes) else { return };
    if instance.points.len() > 2_000 || instance.events.len() > 200 {
        return;
    }
    let budget = &mut Budget { iterations: 500, expired: &mut || false };
    let found = xhstt::search::search(&instance, xhstt::search::Options::default(), budget);
    assert_eq!(xhstt::cost::evaluate(&instance, &found.subs), found.cost);
});
