//! What the public may see of events and of single counts, by the ledger's one rule of suppression.
//!
//! Used by the routes, the stream and the explorer alike; [`crate::rounds`] does the same for decisions. Withheld
//! figures are `null`. A zero is published: it counts nobody.

use aula_api::PublicEvent;
use aula_ledger::rounds::report::may_show;
use aula_ledger::tx::Event;
use serde_json::{Map, Value};

/// A count for the public, by the ledger's rule.
pub fn count(count: u32, min_cell: u32) -> Option<u32> {
    may_show(&[count], min_cell).then_some(count)
}

/// An event for the public: no handle, and no count of students below the limit.
pub fn event(event: &Event, min_cell: u32) -> PublicEvent {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else {
        return PublicEvent::new(Map::new());
    };
    fields.remove("handle");
    if let Some(words) = event.explain() {
        fields.insert("words".into(), words.into());
    }
    match event {
        Event::RoundDecided { placed, waitlisted, requests, .. }
            if !may_show(&[*placed, *waitlisted, *requests], min_cell) =>
        {
            ["placed", "waitlisted"].into_iter().for_each(|name| {
                fields.insert(name.into(), Value::Null);
            });
            fields.insert("requests".into(), count(*requests, min_cell).into());
        }
        // They were the students placed, and how many waited is their complement, which the event does not know: the
        // round's report says it where it may be shown.
        Event::DecisionReverted { .. } => {
            fields.insert("freed".into(), Value::Null);
        }
        // A district's batches of a round add up to its cell, which the report may withhold.
        Event::RequestsTaken { .. } => {
            ["counted", "repeated", "refused"].into_iter().for_each(|name| {
                fields.insert(name.into(), Value::Null);
            });
        }
        // More audits of a district than it has students drawn would tell of a mandate.
        Event::AuditRecorded { .. } => {
            fields.remove("district");
        }
        Event::StatesAnchored { leaves, .. } => {
            fields.insert("leaves".into(), count(*leaves, min_cell).into());
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
    PublicEvent::new(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_api::records;
    use aula_ledger::access::{ConsentChoice, Purpose};
    use aula_ledger::names::{PeerName, Title};
    use aula_ledger::tx::{Arrival, Escalation};
    use aula_ledger::types::{DistrictId, Hash, PoolId, RoundId, SchoolYear};
    use borsh::BorshDeserialize;
    use serde_json::json;

    /// A field that is shown, also where it is withheld.
    fn at(event: &PublicEvent, field: &str) -> Value {
        let all = serde_json::to_value(event).unwrap();
        all.get(field).cloned().unwrap_or_else(|| panic!("no {field} in {event}"))
    }

    fn decided(requests: u32, placed: u32) -> Event {
        let waitlisted = requests - placed;
        let (objective, gap_ppm, seed) = (1, 0, Hash([1; 32]));
        Event::RoundDecided { round: RoundId(1), requests, placed, waitlisted, objective, gap_ppm, seed }
    }

    /// An event of each kind, of zeros and nothing, and those of texts and of words that no zero is.
    fn of_each_kind() -> Vec<Event> {
        let (mut all, mut others) = (Vec::new(), Vec::new());
        for kind in 0..=u8::MAX {
            let mut bytes = [0; 256];
            bytes[0] = kind;
            match Event::deserialize(&mut &bytes[..]) {
                Ok(event) => all.push(event),
                Err(error) if error.to_string() == format!("Unexpected variant tag: {kind}") => {}
                Err(_) => others.push(kind),
            }
        }
        assert_eq!(others, [11, 17, 67], "make these by hand");
        let peer = || PeerName::new(&"12D3KooW".repeat(6)).unwrap();
        let (district, building) = (DistrictId(5), Title::new("north").unwrap());
        all.extend([
            Event::PeerRotated { peer: peer(), successor: peer() },
            Event::EstateAnchored { district, building, version: 1, root: Hash([1; 32]), leaf_count: 3 },
        ]);
        for (arrival, escalated) in
            [(Arrival::Received, Escalation::NotNow), (Arrival::Missed, Escalation::Now)]
        {
            all.push(Event::Acknowledged { round: RoundId(1), pool: PoolId(17), arrival, escalated });
        }
        all
    }

    /// Events whose counts are of few students.
    fn of_few() -> [Event; 6] {
        let (district, school_year) = (DistrictId(5), SchoolYear(2026));
        let (purpose, choice) = (Purpose::EducationalNecessity, ConsentChoice::Withdrawn);
        [
            Event::StatesAnchored { district, school_year, leaves: 3 },
            Event::ConsentRecorded { district, school_year, purpose, choice, entries: 3 },
            Event::ErasureRecorded { district, school_year, handles: 3 },
            Event::UtilisationReported { pool: PoolId(17), in_use: 3, capacity: 20, demand: None },
            Event::DecisionReverted { round: RoundId(1), freed: 3, standing: Some(RoundId(0)) },
            decided(6, 6),
        ]
    }

    #[test]
    fn every_kind_is_described_as_it_is_shown() {
        let all = of_each_kind();
        assert!(all.len() > 40, "{}", all.len());
        for event in all.iter().chain(&of_few()) {
            let shown = serde_json::to_value(super::event(event, 10)).unwrap();
            let form: records::Event = serde_json::from_value(shown.clone()).unwrap();
            assert_eq!(serde_json::to_value(form).unwrap(), shown);
        }
    }

    #[test]
    fn a_small_count_of_a_decided_round_withholds_its_complement() {
        let shown = event(&decided(100, 50), 10);
        assert_eq!(
            (at(&shown, "requests"), at(&shown, "placed"), at(&shown, "waitlisted")),
            (json!(100), json!(50), json!(50))
        );
        let shown = event(&decided(100, 97), 10);
        assert_eq!(
            (at(&shown, "requests"), at(&shown, "placed"), at(&shown, "waitlisted")),
            (json!(100), Value::Null, Value::Null)
        );
        let shown = event(&decided(6, 6), 10);
        assert_eq!((at(&shown, "requests"), at(&shown, "placed")), (Value::Null, Value::Null));
    }

    #[test]
    fn freed_places_are_the_students_placed_and_places_in_use_are_counts_of_students() {
        let freed = Event::DecisionReverted { round: RoundId(1), freed: 15, standing: None };
        assert_eq!(at(&event(&freed, 10), "freed"), Value::Null);
        let used = |in_use| {
            let used = Event::UtilisationReported { pool: PoolId(1), in_use, capacity: 20, demand: None };
            at(&event(&used, 10), "in_use")
        };
        assert_eq!((used(9), used(10), used(0)), (Value::Null, json!(10), json!(0)));
    }
}
