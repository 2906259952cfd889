//! Calendars (iCalendar, RFC 5545): refused with a place, or their lessons' conflicts found.

#![no_main]

use aula_estate::check::find;
use aula_estate::check::ical::read_ical;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(schedule) = read_ical(bytes) {
        if schedule.lessons.len() < 20_000 {
            find(&schedule, None);
        }
    }
});
