//! Instances and timetables of ITC-2007 (.ctt) and XHSTT as anybody may hand them to `aula estate timetable`: refused with a
//! place, or read, valued and written again as the same.

#![no_main]

use aula_estate::{ctt, xhstt};
use libfuzzer_sys::fuzz_target;

fn curricula(data: &[u8]) {
    // What follows a line of dashes may be a timetable of the instance before it.
    let cut = data.windows(5).position(|five| five == b"\n---\n");
    let (instance, timetable) = cut.map_or((data, b"".as_slice()), |at| (&data[..at], &data[at + 5..]));
    let Ok(instance) = ctt::read(instance) else { return };
    let Ok(lessons) = ctt::read_solution(&instance, timetable) else { return };
    let score = ctt::evaluate::evaluate(&instance, &lessons);
    let _ = (score.hard(), score.cost());
    let written = ctt::write_solution(&instance, &lessons);
    let again = ctt::read_solution(&instance, &written).expect("what was written is read");
    assert_eq!(ctt::write_solution(&instance, &again), written);
}

fn archive(data: &[u8]) {
    match xhstt::read(data) {
        Ok(xhstt::Archive::Week(instance)) => valued(data, &instance),
        Ok(xhstt::Archive::Long(instance)) => valued(data, &instance),
        Err(_) => {}
    }
}

fn valued<T: xhstt::times::Times>(data: &[u8], instance: &xhstt::Instance<T>) {
    let Ok(solutions) = xhstt::read_solutions(data) else { return };
    for solution in &solutions {
        let _ = xhstt::cost::evaluate(instance, &solution.subs);
        let _ = xhstt::write_archive(data, instance, &solution.subs);
    }
}

fuzz_target!(|data: &[u8]| {
    curricula(data);
    archive(data);
});
