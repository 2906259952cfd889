//! Every file that anybody may hand to `aula estate`: refused with a place, or read and looked at. The first byte chooses the reader, as
//! `aula_estate::readers` has them.

#![no_main]

use aula_estate::readers::chosen;
use libfuzzer_sys::fuzz_target;

/// A line each hour of the year is more than a fuzzer writes: the last line again and again.
fn whole_year(data: &[u8]) -> Vec<u8> {
    let last = data.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = [b"\n".as_slice(), last].concat();
    let lines = data.iter().filter(|byte| **byte == b'\n').count();
    let rest = if line.len() < 200 { line.repeat(8767usize.saturating_sub(lines)) } else { Vec::new() };
    [data, &rest].concat()
}

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let Some((name, read)) = chosen(*first) else { return };
    let _ = match name {
        "weather" => read(&whole_year(data)),
        _ => read(data),
    };
});
