//! Calendars (iCalendar), schedules, estates, weather (EPW) and the other files of a school as anybody may hand them to
//! `aula estate`: refused with a place, or read; conflicts are found in whatever is a schedule. The first byte chooses the reader.

#![no_main]

use aula_estate::energy::{self, schedule, weather};
use aula_estate::{capacity, check, costs, failures, fit, forecast, needs, page};
use libfuzzer_sys::fuzz_target;

const ESTATE: &[u8] = br#"{"sites":[{"id":"s"}],"buildings":[{"id":"A","site":"s"}],"rooms":[{"id":"R","building":"A",
 "capacity":1,"kwh_per_hour":1.2}],"closures":[{"room":"R","day":"mon","period":1}],"energy_budget_kwh_per_day":1}"#;

fn conflicts(lessons: &check::schedule::Schedule) {
    let estate = check::estate::read_estate(ESTATE).expect("an estate");
    let _ = check::find(lessons, Some(&estate));
    let content = page::Content { title: "t", today: Some(lessons), ..page::Content::default() };
    assert!(page::page(&content).ends_with("</html>\n"));
}

fuzz_target!(|data: &[u8]| {
    let Some((reader, data)) = data.split_first() else { return };
    match reader {
        b'a' => drop(check::ical::read_ical(data).map(|lessons| conflicts(&lessons))),
        b'b' => drop(check::table::read_csv(data).map(|lessons| conflicts(&lessons))),
        b'c' => drop(check::estate::read_estate(data)),
        // A line each hour of the year is more than a fuzzer writes: the last line again and again.
        b'd' => {
            let last = data.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            let line = [b"\n", last].concat();
            let lines = data.iter().filter(|byte| **byte == b'\n').count();
            let whole = if line.len() < 200 { line.repeat(8767usize.saturating_sub(lines)) } else { Vec::new() };
            drop(weather::read_epw(&[data, &whole].concat()));
        }
        b'e' => drop(energy::read_building(data)),
        b'f' => drop(schedule::Schedule::read(data, &["0"])),
        b'g' => drop(fit::read_meter(data)),
        b'h' => drop(fit::read_weather(data)),
        b'i' => drop(forecast::read_history(data)),
        b'j' => drop(failures::read_rows(data)),
        b'k' => drop(needs::read_baselines(data).map(|baselines| drop(needs::needs(data, &baselines)))),
        b'l' => drop(costs::read_figures(data).map(|figures| drop(costs::totals(&figures)))),
        b'm' => drop(capacity::propose(data, data)),
        b'n' => drop(page::read_curves(data)),
        _ => {}
    }
});
