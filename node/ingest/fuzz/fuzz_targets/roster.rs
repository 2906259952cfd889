//! Files of rosters and results as `aula district import` is given them, packed or not: refused, or read so that every row has
//! one fate and one place. The first byte chooses the format; lines of `== NAME` begin the files of one import.

#![no_main]

use aula_ingest::date::Date;
use aula_ingest::{Format, Input, case, read};
use libfuzzer_sys::fuzz_target;

fn files(data: &[u8]) -> Vec<Input> {
    let mut all: Vec<Input> = Vec::new();
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        if let Some(name) = line.strip_prefix(b"== ") {
            let name = String::from_utf8_lossy(name).trim().to_owned();
            all.push(Input { name, bytes: Vec::new() });
        } else if let Some(file) = all.last_mut() {
            file.bytes.extend_from_slice(line);
        }
    }
    all
}

fuzz_target!(|data: &[u8]| {
    let Some((format, rest)) = data.split_first() else { return };
    let format = match format {
        b'o' => Some(Format::OneRoster),
        b'e' => Some(Format::EdFi),
        b's' => Some(Format::Sif),
        b'c' => Some(Format::Csv),
        b'g' => return drop(case::graph(&[("package.json".to_owned(), rest.to_vec())])),
        _ => None,
    };
    let today = Date::new(2026, 3, 2).expect("a day");
    if let Ok((_, reading)) = read(files(rest), format, None, today) {
        assert!(reading.refused() <= reading.rows.len());
        assert!(reading.rows.is_sorted_by_key(|row| row.place));
    }
});
