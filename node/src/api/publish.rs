//! What the public may see of a round: figures, never a cell that counts fewer students than the parameter
//! `min_cell_students`, nor one from which such a cell follows by subtraction.
//!
//! Used by the routes, the stream and the explorer alike; members with a credential see the decision whole.
//! Suppressed figures are `null`. A zero is published: it counts nobody.

use aula_ledger::state::schema::{BandCounts, Decision};
use aula_ledger::tx::Event;
use serde_json::{Value, json};

/// A decision for the public.
pub fn decision(decision: &Decision, min_cell: u32) -> Value {
    let report = &decision.report;
    let small = |n: u32| n > 0 && n < min_cell;
    // Of two parts of a published total, either both or none.
    let pair = |part: u32, total: u32| {
        let hidden = small(part) || small(total.saturating_sub(part)) || small(total);
        if hidden { None } else { Some(part) }
    };
    let placed = pair(report.placed, report.requests);
    let first_choice = placed.and_then(|_| pair(report.first_choice, report.placed));
    let tiers = placed.filter(|_| !report.by_tier.iter().any(|n| small(*n))).map(|_| report.by_tier);
    let mandated = pair(report.mandated, report.requests);
    let prices: Vec<Value> = decision
        .prices
        .iter()
        .map(|p| json!({ "pool": p.pool, "price": p.price, "used": (!small(p.used)).then_some(p.used) }))
        .collect();
    json!({
        "round": decision.round, "class": decision.class, "height": decision.height,
        "requests_root": decision.requests.root, "decisions_root": decision.decisions.root,
        "requests": (!small(report.requests)).then_some(report.requests),
        "placed": placed, "waitlisted": placed.map(|n| report.requests.saturating_sub(n)),
        "first_choice": first_choice, "by_tier": tiers, "mandated": mandated,
        "mandates_met": report.mandates_met == report.mandated,
        "by_band": bands(&report.by_band, min_cell),
        "seed": decision.seed, "revealed": decision.revealed, "withheld": decision.withheld,
        "objective": decision.objective, "dual": decision.dual, "gap_ppm": decision.gap_ppm,
        "optimal": decision.is_optimal(), "work": decision.work, "max_work": decision.max_work,
        "certificate_sha256": decision.certificate_sha256, "prices": prices, "replaces": decision.replaces,
        "min_cell_students": min_cell,
    })
}

/// By need band; `null` for a suppressed band.
///
/// A band is suppressed when any of its counts or differences is small. One suppressed band would follow from
/// the totals, so the smallest other one goes with it, and more until what is hidden is no small cell itself.
pub fn bands(bands: &[BandCounts; 10], min_cell: u32) -> Vec<Value> {
    let small = |n: u32| n > 0 && n < min_cell;
    let mut hidden = bands.map(|b| {
        let waiting = b.requests.saturating_sub(b.placed);
        let later_choice = b.placed.saturating_sub(b.first_choice);
        [b.requests, b.placed, b.first_choice, waiting, later_choice].into_iter().any(small)
    });
    loop {
        let of = |count: fn(&BandCounts) -> u32| -> u32 {
            bands.iter().zip(hidden).filter(|(_, h)| *h).map(|(b, _)| count(b)).sum()
        };
        let rows = hidden.iter().filter(|h| **h).count();
        let sums = [
            of(|b| b.requests),
            of(|b| b.placed),
            of(|b| b.first_choice),
            of(|b| b.requests.saturating_sub(b.placed)),
            of(|b| b.placed.saturating_sub(b.first_choice)),
        ];
        if rows == 0 || (rows > 1 && !sums.into_iter().any(small)) {
            break;
        }
        let shown = bands.iter().enumerate().filter(|(i, b)| !hidden[*i] && b.requests > 0);
        let Some((smallest, _)) = shown.min_by_key(|(_, b)| b.requests) else { break };
        hidden[smallest] = true;
    }
    let cells = bands.iter().zip(hidden).enumerate().map(|(band, (counts, hidden))| {
        let counts = (!hidden).then_some(counts);
        json!({
            "band": band,
            "requests": counts.map(|b| b.requests),
            "placed": counts.map(|b| b.placed),
            "first_choice": counts.map(|b| b.first_choice),
        })
    });
    cells.collect()
}

/// An event for the public: no handle, and no count of students below the limit.
pub fn event(event: &Event, min_cell: u32) -> Value {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("handle");
        for count in ["freed", "in_use", "entries", "handles"] {
            let small =
                fields.get(count).and_then(Value::as_u64).is_some_and(|n| n > 0 && n < u64::from(min_cell));
            if small {
                fields.insert(count.into(), Value::Null);
            }
        }
        if let Event::RoundDecided { placed, waitlisted, requests, .. } = event
            && [*placed, *waitlisted, *requests].into_iter().any(|n| n > 0 && n < min_cell)
        {
            fields.insert("placed".into(), Value::Null);
            fields.insert("waitlisted".into(), Value::Null);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(requests: u32, placed: u32, first_choice: u32) -> BandCounts {
        BandCounts { requests, placed, first_choice }
    }

    fn requests_of(cells: &[Value]) -> Vec<Option<u64>> {
        cells.iter().map(|cell| cell["requests"].as_u64()).collect()
    }

    #[test]
    fn a_small_band_takes_the_smallest_other_with_it() {
        let mut all = [BandCounts::default(); 10];
        all[0] = counts(100, 50, 20);
        all[1] = counts(60, 30, 15);
        all[2] = counts(4, 4, 4);
        let seen = requests_of(&bands(&all, 10));
        assert_eq!(seen[..4], [Some(100), None, None, Some(0)]);
    }

    #[test]
    fn a_small_difference_is_small_too() {
        let mut all = [BandCounts::default(); 10];
        all[0] = counts(100, 97, 50);
        all[1] = counts(60, 30, 15);
        all[2] = counts(70, 35, 15);
        let seen = requests_of(&bands(&all, 10));
        assert_eq!(seen[..3], [None, None, Some(70)]);
    }

    #[test]
    fn with_nothing_small_everything_is_shown() {
        let all = [counts(50, 25, 12); 10];
        assert!(requests_of(&bands(&all, 10)).iter().all(|n| *n == Some(50)));
    }

    #[test]
    fn no_hidden_sum_is_small_whatever_the_counts() {
        use proptest::prelude::*;
        let band =
            (0u32..60).prop_flat_map(|r| (Just(r), 0..=r)).prop_flat_map(|(r, p)| (Just(r), Just(p), 0..=p));
        proptest!(|(rows in proptest::collection::vec(band, 10))| {
            let mut all = [BandCounts::default(); 10];
            for (slot, (r, p, f)) in all.iter_mut().zip(rows) {
                *slot = counts(r, p, f);
            }
            let cells = bands(&all, 10);
            let hidden: Vec<_> = all.iter().zip(&cells).filter(|(_, c)| c["requests"].is_null()).map(|(b, _)| b).collect();
            let shown = all.iter().zip(&cells).any(|(b, c)| b.requests > 0 && !c["requests"].is_null());
            let sum: u32 = hidden.iter().map(|b| b.requests).sum();
            // When every band is hidden nothing follows by subtraction but the total itself.
            prop_assert!(!(shown && sum > 0 && sum < 10));
            prop_assert!(!shown || hidden.len() != 1);
        });
    }
}
