//! Instance files and certificates from any bytes are refused or checked, never a panic.

#![no_main]

use aula_twin_runtime::allocation::certificate::{self, Certificate};
use aula_twin_runtime::allocation::{Limits, solve, srap};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (file, rest) = data.split_at(data.len() - data.len() / 4);
    let Ok(problem) = srap::parse(file) else { return };
    if let Ok(s) = solve(&problem, &Limits { work: 1 << 24 }) {
        certificate::check(&problem, &s.assignment, &s.certificate).expect("it holds");
    }
    if let Ok(hostile) = borsh::from_slice::<Certificate>(rest) {
        let assignment = vec![0; problem.students()];
        let _ = certificate::check(&problem, &assignment, &hostile);
    }
});
