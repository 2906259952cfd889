//! The twins' parameters that a district folds with: those that the ledger has in force for a school year, with the model that
//! they name.
//!
//! Flow: a version from the ledger ([`TwinVersion`]) and the model of its digest → [`InForce::of`] → folding, anchoring, proving.
//! Invariant: what is folded with has the very digest that the ledger holds the anchor against. Absent: asking a node, and
//! where a model's file lies.

use aula_ledger::twin::{self, InputKind, InputSource, TwinVersion};
use aula_twin_runtime::event::SkillId;
use aula_twin_runtime::fixed::{Proportion, Variance};
use aula_twin_runtime::model::Model;
use aula_twin_runtime::need::{self, NeedRule};
use aula_twin_runtime::params::{KindRule, Params, ParamsError, Rates, ScoreScale, Thresholds};
use aula_twin_runtime::twin::TwinState;
use serde::Serialize;

/// A version of the parameters, ready to fold with.
#[derive(Debug, Clone)]
pub struct InForce {
    /// As the ledger has it.
    pub voted: TwinVersion,
    /// What twins are folded with.
    pub params: Params,
}

/// Why a version cannot be folded with.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The model is another one.
    #[error("the twins' parameters name the model {named}, and this one is {given}")]
    OtherModel {
        /// Digest of the model that the ledger's version names.
        named: String,
        /// Digest of the model at hand.
        given: String,
    },
    /// The tables are refused.
    #[error("the ledger's parameters cannot be folded with")]
    Params(#[from] ParamsError),
    /// The two programs do not mean the same.
    #[error("these parameters have another digest here than on the ledger")]
    Digest,
}

impl InForce {
    /// A version with its model.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn of(voted: TwinVersion, model: Model) -> Result<Self, Unusable> {
        let (named, given) = (voted.parameters.model.0, model.digest());
        if named != given {
            let (named, given) = (hex::encode(named), hex::encode(given));
            return Err(Unusable::OtherModel { named, given });
        }
        let params = params(&voted.parameters, model);
        params.check()?;
        if params.digest() != voted.digest.0 {
            return Err(Unusable::Digest);
        }
        Ok(Self { voted, params })
    }

    /// A version whose model is the one that nobody fitted.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn unfitted(voted: TwinVersion) -> Result<Self, Unusable> {
        Self::of(voted, Model::unfitted())
    }

    /// A student's need with what gives it.
    pub fn explain(&self, state: &TwinState) -> Explained {
        let rule = &self.params.need;
        let values = rule.values(state, &self.params);
        let need = rule.need(&values);
        let named = self.voted.parameters.need.inputs.iter().zip(&rule.inputs);
        let terms = named.zip(values.iter().zip(rule.terms(&values)));
        let term =
            |((named, input), (value, adds)): ((&twin::NeedInput, &need::NeedInput), (&u8, i64))| Term {
                input: named.name.to_string(),
                kind: named.kind,
                source: named.source.to_string(),
                recorded: match input.source {
                    need::InputSource::Recorded(number) => state.input(number),
                    _ => None,
                },
                value: *value,
                weight: named.weight,
                adds,
            };
        Explained {
            parameters: self.voted.version,
            constant: rule.constant,
            terms: terms.map(term).collect(),
            need: need.score(),
            band: need.band(),
        }
    }
}

/// A need, term by term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Version of the parameters whose rule it is.
    pub parameters: u32,
    /// What the rule begins with.
    pub constant: i32,
    /// The inputs in the rule's order.
    pub terms: Vec<Term>,
    /// Constant and terms together, 0..=2,559.
    pub need: u16,
    /// ⌊need / 256⌋: 0 the least need, 9 the greatest.
    pub band: u8,
}

/// One input of a student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Term {
    /// The name that the voted rule gives it.
    pub input: String,
    /// Flag or position.
    pub kind: InputKind,
    /// Where it comes from.
    pub source: String,
    /// What was recorded of it, before it was brought into its range; none where the rule's own value stands in.
    pub recorded: Option<u16>,
    /// What the rule reads: 0 or 1 of a flag, 0 to 255 of a position.
    pub value: u8,
    /// What one step of `value` adds to the need; may be below 0.
    pub weight: i32,
    /// `value` × `weight`: its part of the need.
    pub adds: i64,
}

/// The same parameters as twins read them.
fn params(voted: &twin::TwinParameters, model: Model) -> Params {
    let share = |e4: u16| Proportion::clamped(e4.into());
    let (thresholds, rates) = (&voted.thresholds, &voted.rates);
    let scale = |one: &twin::ScoreScale| ScoreScale {
        skill: SkillId(one.skill),
        grade: one.grade,
        mean_e1: one.mean_e1,
        deviation_e1: one.deviation_e1,
    };
    let kind = |one: &twin::KindRule| KindRule { kind: one.kind, subject: one.subject.map(SkillId) };
    Params {
        model,
        thresholds: Thresholds {
            mastery_gate: share(thresholds.mastery_gate_e4),
            engagement_low: share(thresholds.engagement_low_e4),
            engagement_low_ms: thresholds.engagement_low_ms,
            utilisation_low: share(thresholds.utilisation_low_e4),
            support_below: share(thresholds.support_below_e4),
        },
        rates: Rates {
            session: share(rates.session_e4),
            sentiment: share(rates.sentiment_e4),
            absence: share(rates.absence_e4),
            trend: share(rates.trend_e4),
            attendance: share(rates.attendance_e4),
            utilisation: share(rates.utilisation_e4),
        },
        assessment_noise: Variance::clamped(voted.assessment_noise_e6.into()),
        scales: voted.scales.iter().map(scale).collect(),
        kinds: voted.kinds.iter().map(kind).collect(),
        need: rule(&voted.need),
    }
}

fn rule(voted: &twin::NeedRule) -> NeedRule {
    let input = |one: &twin::NeedInput| need::NeedInput {
        kind: one.kind,
        source: match one.source {
            InputSource::Recorded(number) => need::InputSource::Recorded(number),
            InputSource::Mastery(skill) => need::InputSource::Mastery(SkillId(skill)),
            InputSource::Engagement => need::InputSource::Engagement,
            InputSource::Attendance => need::InputSource::Attendance,
        },
        weight: one.weight,
        unrecorded: one.unrecorded,
    };
    NeedRule { constant: voted.constant, inputs: voted.inputs.iter().map(input).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_ledger::names::Name;
    use aula_ledger::twin::{NeedInput, TwinParameters};
    use aula_ledger::types::{Hash, Height, SchoolYear};

    fn version(parameters: TwinParameters) -> TwinVersion {
        let digest = parameters.digest();
        TwinVersion { version: 3, from_year: SchoolYear(2026), voted: Height(9), digest, parameters }
    }

    fn rule() -> twin::NeedRule {
        let named = |name: &str, kind, source, weight| NeedInput {
            name: Name::new(name).unwrap(),
            kind,
            source,
            weight,
            unrecorded: 1,
        };
        twin::NeedRule {
            constant: 700,
            inputs: vec![
                named("lunch", InputKind::Flag, InputSource::Recorded(4), 300),
                named("reading", InputKind::Position, InputSource::Mastery(2), -2),
                named("days", InputKind::Position, InputSource::Attendance, 1),
                named("interest", InputKind::Position, InputSource::Engagement, 1),
            ],
        }
    }

    #[test]
    fn the_ledgers_defaults_are_the_reference_with_the_unfitted_model() {
        let model = Model::unfitted();
        let known = InForce::of(version(TwinParameters::default()), model.clone()).unwrap();
        assert_eq!(known.params, Params::reference(model));
    }

    #[test]
    fn every_voted_parameter_stands_in_both_digests() {
        let scale = twin::ScoreScale { skill: 2, grade: 1, mean_e1: 5_000, deviation_e1: 300 };
        let mut parameters =
            TwinParameters { need: rule(), scales: vec![scale], ..TwinParameters::default() };
        parameters.kinds = vec![twin::KindRule { kind: 3, subject: Some(2) }];
        assert!(InForce::of(version(parameters.clone()), Model::unfitted()).is_ok());
        let mut lied = version(parameters.clone());
        lied.parameters.need.constant += 1;
        assert!(matches!(InForce::of(lied, Model::unfitted()), Err(Unusable::Digest)));
        parameters.model = Hash([7; 32]);
        assert!(matches!(
            InForce::of(version(parameters), Model::unfitted()),
            Err(Unusable::OtherModel { .. })
        ));
    }

    #[test]
    fn an_explanation_adds_up_to_the_need() {
        let parameters = TwinParameters { need: rule(), ..TwinParameters::default() };
        let known = InForce::of(version(parameters), Model::unfitted()).unwrap();
        let state = TwinState::new(&known.params);
        let told = known.explain(&state);
        let sum: i64 = told.terms.iter().map(|term| term.adds).sum();
        assert_eq!(i64::from(told.need), i64::from(told.constant) + sum);
        assert_eq!(told.need, state.need(&known.params).score());
        assert_eq!((told.terms[0].recorded, told.terms[0].value, told.terms[0].adds), (None, 1, 300));
        assert_eq!(
            told.terms.iter().map(|term| term.source.as_str()).collect::<Vec<_>>(),
            ["recorded/4", "skill/00002", "attendance", "engagement"]
        );
    }
}
