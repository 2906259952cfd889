//! Tables and JSON that a district writes: each reader in turn, by the first byte.

#![no_main]

use aula_estate::check::estate::read_estate;
use aula_estate::check::{find, rooms, table};
use aula_estate::reseat::reseat;
use aula_estate::{capacity, costs, failures, fit, forecast, needs, optout, page, staffing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    match first % 12 {
        0 => {
            // An estate, a line of dashes, a schedule in it.
            let at = rest.windows(5).position(|part| part == b"\n---\n").unwrap_or(rest.len());
            let (estate, schedule) = (read_estate(&rest[..at]), table::read_csv(rest.get(at + 5..).unwrap_or(b"")));
            if let (Ok(estate), Ok(schedule)) = (estate, schedule) {
                find(&schedule, Some(&estate));
                let _ = reseat(&schedule, &estate);
            }
        }
        1 => drop(table::read_csv(rest).map(|schedule| find(&schedule, None))),
        2 => drop(rooms::of_csv(rest)),
        3 => drop(optout::read_enrolments(rest, &[])),
        4 => drop((staffing::read_sections(rest), staffing::read_staff(rest), staffing::read_stays(rest))),
        5 => drop(costs::read_figures(rest).map(|figures| costs::totals(&figures))),
        6 => drop(capacity::propose(rest, rest)),
        7 => drop(failures::read_rows(rest)),
        8 => drop((fit::read_meter(rest), fit::read_weather(rest))),
        9 => drop(forecast::read_history(rest).map(|history| forecast::forecast(&history, 3))),
        10 => drop((needs::read_baselines(rest), page::read_curves(rest))),
        _ => {
            if let Ok(baselines) = needs::read_baselines(needs::BASELINES.as_bytes()) {
                let _ = needs::needs(rest, &baselines);
            }
        }
    }
});
