//! A consortium without faults, measured: the same seed tells the same, and more validators or records cost more.

use aula_sim::charges::Charges;
use aula_sim::measure::{self, Measured};

fn measured(seed: u64, nodes: u8, charges: Charges) -> (String, Measured) {
    let plan = measure::plan(seed, nodes, charges);
    plan.check().expect("a plan that can be run");
    let (report, measured) = aula_sim::measured(plan, 6).expect("a plan that begins");
    assert!(report.violations.is_empty(), "seed {seed}, {nodes} validators: {:?}", report.violations);
    (report.trace_sha256, measured.expect("heights that count"))
}

#[test]
fn a_seed_tells_the_same_and_another_one_something_else() {
    let charges = Charges::default();
    let told = measured(3, 7, charges);
    assert_eq!(told, measured(3, 7, charges));
    assert_ne!(told.0, measured(4, 7, charges).0);
}

#[test]
fn certificates_and_bytes_grow_with_the_validators() {
    let (_, few) = measured(1, 4, Charges::default());
    let (_, many) = measured(1, 21, Charges::default());
    // 84 bytes a signature: an address and 64 bytes; more than two thirds of them sign.
    let least = |nodes: f64| (nodes * 2.0 / 3.0).floor() * 84.0;
    assert!(few.certificate_bytes.mean > least(4.0) && many.certificate_bytes.mean > least(21.0), "{many:?}");
    assert!(many.sent_bytes.mean > 4.0 * few.sent_bytes.mean, "{few:?} {many:?}");
    assert!(many.known_copies > 0.0 && many.copies > many.known_copies, "{many:?}");
    assert_eq!((few.further_rounds, many.further_rounds), (0, 0), "nothing is broken");
    // Seven regions: no decision is faster than two ways between continents, none takes as long as a missed turn.
    assert!((100.0..2_000.0).contains(&many.finality_ms.p50), "{many:?}");
    // Nothing to do: a block a second.
    assert!((900.0..2_000.0).contains(&many.interval_ms), "{many:?}");
}

#[test]
fn what_is_charged_takes_time() {
    let free = Charges { verify_us: 0, sync_us: 0, record_ns: 0, ..Charges::default() };
    let (_, free) = measured(1, 7, free);
    let (_, dear) = measured(1, 7, Charges { verify_us: 5_000, ..Charges::default() });
    assert!(dear.finality_ms.p50 > free.finality_ms.p50 + 10.0, "{free:?} {dear:?}");
    assert!(dear.verifying_cores > 0.0 && free.verifying_cores == 0.0, "{free:?} {dear:?}");
    let (_, full) = measured(1, 7, Charges { records: 10_000, ..Charges::default() });
    assert!(full.records_s > 1_000.0, "{full:?}");
    assert!(full.finality_ms.p50 > free.finality_ms.p50 + 150.0, "built and executed: {free:?} {full:?}");
}
