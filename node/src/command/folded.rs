//! What a disclosed student's events fold to, beside the state that was anchored.

use aula_district::disclosure::Disclosure;
use aula_district::twin_state;
use aula_ledger::proof::committed::CommittedField;
use aula_ledger::proof::student_state;
use aula_ledger::types::Hash;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::transitions::{Rule, Transition};
use serde::Serialize;

use super::Failure;

/// What the events fold to, beside what was anchored.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether the events fold to the anchored state.
    pub agrees: bool,
    events: usize,
    refused: Vec<String>,
    state_hash: String,
    anchored: String,
    snapshot_sha256: String,
    params_digest: String,
    /// What does not agree.
    pub differs: Vec<String>,
    need: u16,
    /// The numbers of the state that the events give which a leaf may commit to.
    #[serde(skip)]
    pub numbers: Vec<(CommittedField, u64)>,
    transitions: Vec<Explained>,
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let mut lines = vec![if self.agrees {
            format!("{} events fold to the anchored hash {}", self.events, self.anchored)
        } else {
            format!(
                "{} events fold to {}, anchored is {}; differs: {}",
                self.events,
                self.state_hash,
                self.anchored,
                self.differs.join(", ")
            )
        }];
        lines.extend(self.refused.iter().map(|r| format!("refused {r}")));
        lines.extend(self.transitions.iter().map(|t| {
            format!(
                "{} ms: {} ({:.4} against {:.4}, {:.1} days)",
                t.at_ms, t.rule, t.value, t.threshold, t.days
            )
        }));
        lines.join("\n")
    }
}

/// A transition and why it happened.
#[derive(Debug, Serialize)]
pub struct Explained {
    at_ms: u64,
    rule: String,
    value: f64,
    threshold: f64,
    days: f64,
}

/// Folds the events and compares with the anchored hash, and with the model's digest if one is given.
///
/// # Errors
/// When the disclosure cannot be used.
pub fn check(
    disclosure: &Disclosure,
    anchored: [u8; 32],
    model: Option<[u8; 32]>,
) -> Result<Report, Failure> {
    let (params, events) = disclosure.decode()?;
    let mut history = History::new(&params);
    let added = history.add(events, &params);
    let folded = history.folded();
    let fields = disclosure.salted(&folded.state, &params)?;
    let state_hash = student_state::state_hash(&fields);
    let params_digest = params.digest();
    let mut differs = Vec::new();
    if state_hash != Hash(anchored) {
        differs.push("state hash".to_owned());
    }
    if model.is_some_and(|m| m != params_digest) {
        differs.push("model digest".to_owned());
    }
    if fields.len() != disclosure.salts.len() {
        differs.push("fields: the file has salts for fields that the events do not give".to_owned());
    }
    differs.extend(added.conflicts.iter().map(|key| format!("two events at {key:?}")));
    let refusals = folded.refused.iter().map(|(key, why)| format!("{key:?}: {why}"));
    Ok(Report {
        agrees: differs.is_empty(),
        events: disclosure.events.len(),
        refused: refusals.collect(),
        state_hash: state_hash.to_string(),
        anchored: hex::encode(anchored),
        snapshot_sha256: hex::encode(folded.state.digest()),
        params_digest: hex::encode(params_digest),
        differs,
        need: folded.state.need(&params).score(),
        transitions: folded.transitions.iter().map(explain).collect(),
        numbers: twin_state::numbers(&folded.state, &params),
    })
}

fn explain(transition: &Transition) -> Explained {
    let rule = match transition.rule {
        Rule::Advance(skill) => format!("advance: mastery of skill {} above the gate", skill.0),
        Rule::Intervene => "intervene: engagement below the threshold for too long".to_owned(),
        Rule::Rebalance(resource) => format!("rebalance: resource {} used too little", resource.0),
        Rule::Support(skill) => format!("support: mastery of skill {} below the threshold", skill.0),
    };
    Explained {
        at_ms: transition.at.stamp.wall_ms(),
        rule,
        value: f64::from(transition.value.e4()) / 1e4,
        threshold: f64::from(transition.threshold.e4()) / 1e4,
        days: transition.duration_ms as f64 / 86_400_000.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_district::disclosure;
    use aula_ledger::proof::student_state::SaltedField;
    use aula_twin_runtime::clock::{Skew, Stamp};
    use aula_twin_runtime::event::Event;
    use aula_twin_runtime::event::{Correctness, EventBody, EventKey, ItemId, SkillId, SkillSet, SourceId};
    use aula_twin_runtime::model::Model;
    use aula_twin_runtime::params::Params;
    use aula_twin_runtime::twin::leaves;
    use aula_zk::{Field, StudentSecret, commitment};

    fn event(n: u64, body: EventBody) -> Result<Event, Box<dyn std::error::Error>> {
        let key = EventKey { stamp: Stamp::new(1_000 * n, 0)?, source: SourceId(1), sequence: n };
        Ok(Event { key, skew: Skew::Within, body })
    }

    fn events() -> Result<Vec<Event>, Box<dyn std::error::Error>> {
        let mut events = vec![event(1, EventBody::InputRecorded { input: 0, value: 70 })?];
        for n in 2..30 {
            let skills = SkillSet::new(vec![SkillId(3)])?;
            let (item, correctness) = (ItemId(5), Correctness::Correct);
            events.push(event(n, EventBody::Response { item, skills, correctness, duration_ms: 5 })?);
        }
        Ok(events)
    }

    /// A disclosure of these events and the hash that the district would have anchored.
    fn disclosed(events: &[Event]) -> Result<(Disclosure, [u8; 32]), Box<dyn std::error::Error>> {
        let (params, secret) = (Params::reference(Model::unfitted()), StudentSecret::new([9; 32]));
        let mut history = History::new(&params);
        history.add(events.iter().cloned(), &params);
        let mut fields = Vec::new();
        for leaf in leaves(history.state(), &params) {
            let salt = *commitment::leaf_salt(&secret, &Field::new(&leaf.field)?, 3);
            fields.push(SaltedField { field: leaf.field, value: leaf.value, salt });
        }
        Ok((Disclosure::of(&secret, 3, &params, events)?, student_state::state_hash(&fields).0))
    }

    #[test]
    fn events_in_any_order_fold_to_the_anchored_hash() -> Result<(), Box<dyn std::error::Error>> {
        let (mut disclosure, anchored) = disclosed(&events()?)?;
        disclosure.events.reverse();
        disclosure.events.push(disclosure.events[3].clone());
        let report = check(&disclosure, anchored, None)?;
        assert!(report.agrees, "{report:?}");
        assert!(report.transitions.iter().any(|t| t.rule.starts_with("advance")), "{report:?}");
        Ok(())
    }

    #[test]
    fn one_changed_left_out_or_added_event_is_found() -> Result<(), Box<dyn std::error::Error>> {
        let all = events()?;
        let (disclosure, anchored) = disclosed(&all)?;
        let mut changed = all.clone();
        changed[0] = event(1, EventBody::InputRecorded { input: 0, value: 71 })?;
        let added =
            [all.clone(), vec![event(99, EventBody::InputRecorded { input: 0, value: 70 })?]].concat();
        for other in [changed, all[..28].to_vec(), added] {
            let events = other.iter().map(|e| hex::encode(e.encode())).collect();
            let report = check(&Disclosure { events, ..disclosure.clone() }, anchored, None)?;
            assert_eq!((report.agrees, report.differs.as_slice()), (false, &["state hash".to_owned()][..]));
        }
        let other_model = check(&disclosure, anchored, Some([7; 32]))?;
        assert_eq!(other_model.differs, ["model digest"]);
        Ok(())
    }

    #[test]
    fn what_cannot_be_checked_is_said() -> Result<(), Box<dyn std::error::Error>> {
        let (disclosure, anchored) = disclosed(&events()?)?;
        let mut unsalted = disclosure.clone();
        unsalted.salts.remove("need");
        assert_eq!(
            check(&unsalted, anchored, None).map(|_| ()).map_err(|f| f.code),
            Err("no_salt".to_owned())
        );
        let mut broken = disclosure.clone();
        broken.events[0].push_str("00");
        let failure = check(&broken, anchored, None).map(|_| ()).map_err(|f| f.message);
        assert_eq!(failure, Err("event 0 is refused: malformed event bytes".to_owned()));
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("d.json");
        std::fs::write(&path, serde_json::to_vec(&Disclosure { version: 3, ..disclosure })?)?;
        assert_eq!(
            disclosure::read(&path).map(|_| ()).map_err(|e| Failure::from(e).code),
            Err("version".to_owned())
        );
        std::fs::write(&path, b"{\"version\":2,\"extra\":0}")?;
        assert!(disclosure::read(&path).is_err());
        Ok(())
    }
}
