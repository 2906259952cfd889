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

/// A number of students that an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Requests taken that count.
    Counted,
    /// Families whose consent was recorded.
    Entries,
    /// Places that a decision taken back frees.
    Freed,
    /// Students erased.
    Handles,
    /// Places in use.
    InUse,
    /// Student states anchored.
    Leaves,
    /// Students who got a place.
    Placed,
    /// Requests that were not taken.
    Refused,
    /// Requests of students who had one already.
    Repeated,
    /// Requests that a decision counts.
    Requests,
    /// Students who wait.
    Waitlisted,
}

impl Count {
    /// The event's field.
    const fn field(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Entries => "entries",
            Self::Freed => "freed",
            Self::Handles => "handles",
            Self::InUse => "in_use",
            Self::Leaves => "leaves",
            Self::Placed => "placed",
            Self::Refused => "refused",
            Self::Repeated => "repeated",
            Self::Requests => "requests",
            Self::Waitlisted => "waitlisted",
        }
    }
}

/// Which counts of an event the public does not see. Every kind is named, so that a new one is not published unasked.
pub fn withheld(event: &Event, min_cell: u32) -> &'static [Count] {
    let shown = |n: u32| count(n, min_cell).is_some();
    match event {
        Event::RoundDecided { placed, waitlisted, requests, .. } => {
            if may_show(&[*placed, *waitlisted, *requests], min_cell) {
                &[]
            } else if shown(*requests) {
                &[Count::Placed, Count::Waitlisted]
            } else {
                &[Count::Requests, Count::Placed, Count::Waitlisted]
            }
        }
        // They were the students placed, and how many waited is their complement, which the event does not know: the
        // round's report says it where it may be shown.
        Event::DecisionReverted { .. } => &[Count::Freed],
        // A district's batches of a round add up to its cell, which the report may withhold.
        Event::RequestsTaken { .. } => &[Count::Counted, Count::Repeated, Count::Refused],
        Event::StatesAnchored { leaves, .. } if !shown(*leaves) => &[Count::Leaves],
        Event::UtilisationReported { in_use, .. } if !shown(*in_use) => &[Count::InUse],
        Event::ConsentRecorded { entries, .. } if !shown(*entries) => &[Count::Entries],
        Event::ErasureRecorded { handles, .. } if !shown(*handles) => &[Count::Handles],
        Event::StatesAnchored { .. }
        | Event::UtilisationReported { .. }
        | Event::ConsentRecorded { .. }
        | Event::ErasureRecorded { .. }
        | Event::MemberRegistered { .. }
        | Event::ChangeProposed { .. }
        | Event::ChangeVoted { .. }
        | Event::ChangeApplied { .. }
        | Event::ChangeRefused { .. }
        | Event::KeyRotated { .. }
        | Event::AccessRecorded { .. }
        | Event::AccessLogEnded { .. }
        | Event::ValidatorReady { .. }
        | Event::ValidatorRotated { .. }
        | Event::PeerRotated { .. }
        | Event::SchoolChanged { .. }
        | Event::DistrictAdmitted { .. }
        | Event::DistrictClosed { .. }
        | Event::NodeAdmitted { .. }
        | Event::TwinParametersSet { .. }
        | Event::EstateAnchored { .. }
        | Event::MisbehaviourRecorded { .. }
        | Event::HeadAnchored { .. }
        | Event::MilestoneRecorded { .. }
        | Event::RowsTaken { .. }
        | Event::AuditRecorded { .. }
        | Event::BudgetFunded { .. }
        | Event::BudgetStated { .. }
        | Event::EquityStated { .. }
        | Event::BudgetGranted { .. }
        | Event::ClassDefined { .. }
        | Event::PoolDefined { .. }
        | Event::RoundOpened { .. }
        | Event::SeedCommitted { .. }
        | Event::SeedRevealed { .. }
        | Event::Acknowledged { .. }
        | Event::ClassTermsSet { .. }
        | Event::PoolRetired { .. }
        | Event::RoundCancelled { .. }
        | Event::StewardReplaced { .. }
        | Event::RoundInfeasible { .. } => &[],
    }
}

/// An event for the public: no handle, and no count of students below the limit.
pub fn event(event: &Event, min_cell: u32) -> PublicEvent {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else {
        return PublicEvent::new(Map::new());
    };
    fields.remove("handle");
    // More audits of a district than it has students drawn would tell of a mandate.
    if matches!(event, Event::AuditRecorded { .. }) {
        fields.remove("district");
    }
    if let Some(words) = event.explain() {
        fields.insert("words".into(), words.into());
    }
    for count in withheld(event, min_cell) {
        fields.insert(count.field().into(), Value::Null);
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
