//! What the public may see of a round: the ledger's published report and the counts it allows of a decision, by its one
//! rule, beside what counts nobody (roots, prices, work).
//!
//! Used by the routes, the stream and the explorer alike; members with a credential see the decision whole.
//! Withheld figures are `null`. A zero is published: it counts nobody.

use aula_ledger::rounds::PublishedReport;
use aula_ledger::rounds::report::{CellCounts, may_show, public_counts};
use aula_ledger::state::schema::Decision;
use aula_ledger::tx::Event;
use serde_json::{Value, json};

/// A decision for the public, with the counts of its report; without one it shows no count at all.
pub fn decision(decision: &Decision, report: Option<&PublishedReport>) -> Value {
    let counts = report.map(|report| public_counts(decision, report.min_cell_students));
    let totals = counts.as_ref().and_then(|counts| counts.totals);
    let by_tier = counts.as_ref().and_then(|counts| counts.by_tier);
    let used = |at: usize| counts.as_ref()?.used.get(at).copied().flatten();
    let prices = decision.prices.iter().enumerate();
    let prices: Vec<Value> =
        prices.map(|(at, p)| json!({ "pool": p.pool, "price": p.price, "used": used(at) })).collect();
    json!({
        "round": decision.round, "class": decision.class, "height": decision.height,
        "requests_root": decision.requests.root, "decisions_root": decision.decisions.root,
        "requests": report.and_then(|report| report.students),
        "placed": totals.map(|all| placed(&all)), "waitlisted": totals.map(|all| all.waitlisted),
        "first_choice": totals.map(|all| all.first_choice), "by_tier": by_tier,
        "mandated": report.and_then(|report| report.mandates),
        "mandates_met": decision.report.mandates_met == decision.report.mandated,
        "by_band": report.map(bands),
        "seed": decision.seed, "revealed": decision.revealed, "withheld": decision.withheld,
        "objective": decision.objective, "dual": decision.dual, "gap_ppm": decision.gap_ppm,
        "optimal": decision.is_optimal(), "work": decision.work, "max_work": decision.max_work,
        "certificate_sha256": decision.certificate_sha256, "prices": prices, "replaces": decision.replaces,
        "min_cell_students": report.map(|report| report.min_cell_students),
    })
}

fn placed(counts: &CellCounts) -> u32 {
    counts.students.saturating_sub(counts.waitlisted)
}

/// By need band, those with requests; figures `null` where the report withholds them.
fn bands(report: &PublishedReport) -> Vec<Value> {
    let line = |cell: &aula_ledger::rounds::report::PublishedCell| {
        let counts = cell.counts;
        json!({
            "band": cell.group,
            "requests": counts.map(|c| c.students),
            "placed": counts.map(|c| placed(&c)),
            "first_choice": counts.map(|c| c.first_choice),
        })
    };
    report.by_band.cells.iter().map(line).collect()
}

/// A count for the public, by the ledger's rule.
pub fn count(count: u32, min_cell: u32) -> Option<u32> {
    may_show(&[count], min_cell).then_some(count)
}

/// An event for the public: no handle, and no count of students below the limit.
pub fn event(event: &Event, min_cell: u32) -> Value {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    let Some(fields) = value.as_object_mut() else { return value };
    fields.remove("handle");
    match event {
        Event::RoundDecided { placed, waitlisted, requests, .. }
            if !may_show(&[*placed, *waitlisted, *requests], min_cell) =>
        {
            ["placed", "waitlisted"].into_iter().for_each(|name| {
                fields.insert(name.into(), Value::Null);
            });
            fields.insert("requests".into(), count(*requests, min_cell).into());
        }
        Event::DecisionReverted { freed, .. } => {
            fields.insert("freed".into(), count(*freed, min_cell).into());
        }
        Event::UtilisationReported { in_use, .. } => {
            fields.insert("in_use".into(), count(*in_use, min_cell).into());
        }
        Event::ConsentRecorded { entries, .. } => {
            fields.insert("entries".into(), count(*entries, min_cell).into());
        }
        Event::ErasureRecorded { handles, .. } => {
            fields.insert("handles".into(), count(*handles, min_cell).into());
        }
        _ => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_ledger::types::{Hash, RoundId};

    fn decided(requests: u32, placed: u32) -> Event {
        let waitlisted = requests - placed;
        let (objective, gap_ppm, seed) = (1, 0, Hash([1; 32]));
        Event::RoundDecided { round: RoundId(1), requests, placed, waitlisted, objective, gap_ppm, seed }
    }

    #[test]
    fn a_small_count_of_a_decided_round_withholds_its_complement() {
        let shown = event(&decided(100, 50), 10);
        assert_eq!(
            (&shown["requests"], &shown["placed"], &shown["waitlisted"]),
            (&json!(100), &json!(50), &json!(50))
        );
        let shown = event(&decided(100, 97), 10);
        assert_eq!(
            (&shown["requests"], &shown["placed"], &shown["waitlisted"]),
            (&json!(100), &Value::Null, &Value::Null)
        );
        let shown = event(&decided(6, 6), 10);
        assert_eq!((&shown["requests"], &shown["placed"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn freed_places_and_places_in_use_are_counts_of_students() {
        let freed = |freed| {
            event(&Event::DecisionReverted { round: RoundId(1), freed, standing: None }, 10)["freed"].clone()
        };
        assert_eq!((freed(9), freed(10), freed(0)), (Value::Null, json!(10), json!(0)));
    }
}
