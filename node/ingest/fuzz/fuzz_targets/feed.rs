//! Messages of live feeds as whoever reaches a listener may send them: lines, frames, xAPI statements, Caliper envelopes. Refused
//! or read; a frame that is read is written again as the same. The first byte chooses the form.

#![no_main]

use std::sync::OnceLock;

use aula_ingest::event::{caliper, frame, line, xapi};
use aula_ingest::json;
use libfuzzer_sys::fuzz_target;

const HOME: &str = "https://lms.example.org";

fn frames(data: &[u8]) {
    let Ok(frames) = frame::cut(data) else { return };
    let mut written = Vec::new();
    for one in &frames {
        let Ok(message) = frame::decode(one) else { return };
        frame::encode(&message, &mut written);
    }
    assert_eq!(written, data, "frames have one encoding");
}

fn statements(data: &[u8]) {
    static RULES: OnceLock<xapi::Rules> = OnceLock::new();
    let rules = RULES.get_or_init(|| xapi::Rules::built_in().expect("the built-in rules"));
    let Ok(value) = json::parse(data, 64) else { return };
    let _ = rules.message(&value, HOME, 1_780_000_000_000);
}

fn envelope(data: &[u8]) {
    static RULES: OnceLock<caliper::Rules> = OnceLock::new();
    let rules = RULES.get_or_init(|| caliper::Rules::built_in().expect("the built-in rules"));
    let Ok(read) = caliper::envelope(data) else { return };
    for (_, event) in read.events {
        let event = serde_json::from_str(&event).expect("an event that was taken is JSON");
        let _ = rules.message(&event, HOME);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((form, data)) = data.split_first() else { return };
    match form {
        b'f' => frames(data),
        b'l' => drop(line::decode(data)),
        b'x' => statements(data),
        b'c' => envelope(data),
        _ => {}
    }
});
