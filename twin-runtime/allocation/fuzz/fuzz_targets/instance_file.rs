//! Instance files and certificates from any bytes are refused or checked, never a panic. Odd inputs are files as they
//! stand; even ones get a header that fits their length, since chance would hardly ever write one.

#![no_main]

use aula_allocation::certificate::{self, Certificate};
use aula_allocation::{Limits, solve, srap};
use libfuzzer_sys::fuzz_target;

/// A file of few students and pools: counts, schools, capacities and costs from the input, which is used over again.
fn framed(input: &[u8]) -> Vec<u8> {
    let byte = |at: usize| input.get(at % input.len().max(1)).copied().unwrap_or(0);
    let (n, k, m) = (byte(0) % 24, 1 + byte(1) % 10, byte(2) % 4);
    let (n, k, m) = (usize::from(n), usize::from(k), usize::from(m));
    let mut file = if m > 0 { b"SRAP0002".to_vec() } else { b"SRAP0001".to_vec() };
    let mut word = |value: i32| file.extend(value.to_le_bytes());
    word(n as i32);
    word(k as i32);
    if m > 0 {
        word(m as i32);
    }
    (0..k).for_each(|p| word(i32::from(byte(3 + p))));
    (0..k).for_each(|p| word(i32::from(byte(13 + p) % 4) - i32::from(byte(13 + p) == 255)));
    if m > 0 {
        (0..n).for_each(|s| word(i32::from(byte(23 + s)) % m as i32));
        (0..3 * m).for_each(|at| word(i32::from(byte(47 + at))));
    }
    (0..n * k)
        .for_each(|at| word(if byte(60 + at) % 8 == 7 { -1 } else { i32::from(byte(60 + at)) << (at % 23) }));
    file
}

fuzz_target!(|data: &[u8]| {
    let (file, rest) = data.split_at(data.len() - data.len() / 4);
    let framed = data.len().is_multiple_of(2).then(|| framed(file));
    let Ok(problem) = srap::parse(framed.as_deref().unwrap_or(file)) else { return };
    if let Ok(s) = solve(&problem, &Limits { work: 1 << 24 }) {
        certificate::check(&problem, &s.assignment, &s.certificate).expect("it holds");
    }
    if let Ok(hostile) = borsh::from_slice::<Certificate>(rest) {
        let assignment = vec![0; problem.students()];
        let _ = certificate::check(&problem, &assignment, &hostile);
    }
});
