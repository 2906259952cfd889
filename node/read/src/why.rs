//! Why a student got this place, and exactly what another row would have brought: the ledger's answer in words and fields,
//! for whoever asks, the command with a bundle or a district's node about its own student.

use aula_api::why::{RowChange, WhatIfAnswer, WhyAnswer};
use aula_ledger::audit::Standing;
use aula_ledger::audit::why::{Change, Decided, Limits, WhatIf, Who, Why, WhyError};
use aula_ledger::state::schema::{DecisionRow, Placement};
use aula_ledger::tx::Mandate;
use aula_ledger::types::{Band, KindId};

/// Most preferred places named; the best come first.
const MAX_ALTERNATIVES: usize = 3;

/// Whether the asker is told how many other students would be elsewhere: a count of other districts' students.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Whoever has the round's rows counts them anyway.
    Counted,
    /// Whoever has not is not told.
    Untold,
}

/// What somebody wants to know of one row of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The student, and the district where two requested for one handle.
    pub who: Who,
    /// What if this were changed; none: which band would have brought a better place.
    pub change: Option<Change>,
    /// Most work of each solution.
    pub limits: Limits,
    /// Whether the round was verified before.
    pub verified: bool,
    /// Whether its decision stands, if that is known.
    pub standing: Option<Standing>,
    /// What is told of others.
    pub others: Others,
}

/// The answer in fields and in words; they say the same.
///
/// # Errors
/// [`WhyError`]: no such request, or a changed round that cannot be solved within the limits.
pub fn answer(round: &Decided, asked: &Asked) -> Result<WhyAnswer, WhyError> {
    let why = round.why(asked.who)?;
    let name = |index: u32| match round.pools().get(index as usize) {
        Some(pool) => format!("Pool {}", pool.pool),
        None => "Waiting".to_owned(),
    };
    let mut nearest = why.explanation.clone();
    let more = nearest.preferred.len().saturating_sub(MAX_ALTERNATIVES);
    nearest.preferred.truncate(MAX_ALTERNATIVES);
    let mut explanation = nearest.words(name);
    if more > 0 {
        explanation += &format!(" {more} further places had a lower cost, or were as good at these prices.");
    }
    let fallen = match asked.standing {
        Some(Standing::Reverted) => Some("This decision was reverted: it does not stand.".to_owned()),
        Some(Standing::Replaced) => {
            Some("A later decision took this one's place: it does not stand.".to_owned())
        }
        _ => None,
    };
    let mut lines: Vec<String> = fallen.into_iter().collect();
    lines.extend([
        format!(
            "Student {} of school {}, need band {}{}.",
            asked.who.handle,
            why.request.home_school,
            why.request.band.get(),
            if why.request.mandate == Mandate::Mandated { ", with a mandate" } else { "" }
        ),
        format!("Decided: {}.", placement(&why.decision)),
        explanation.clone(),
    ]);
    let (exactly, what_if, least_band) = counterfactual(round, asked, &why)?;
    lines.push(exactly);
    lines.push(
        "All other rows and the lottery's seed are as they were; each answer's certificate was checked."
            .into(),
    );
    Ok(WhyAnswer {
        certificates_checked: true,
        explanation,
        gap_ppm: why.gap_ppm,
        given: (&why.decision).into(),
        handle: asked.who.handle,
        least_band,
        round: round.round,
        standing: asked.standing,
        text: lines.join("\n"),
        verified: asked.verified,
        what_if,
    })
}

/// The exact answer in words, the changed round, and the least band when that was the question.
fn counterfactual(
    round: &Decided,
    asked: &Asked,
    why: &Why,
) -> Result<(String, Option<WhatIfAnswer>, Option<Band>), WhyError> {
    if let Some(change) = &asked.change {
        let other = round.what_if(asked.who, change, &asked.limits)?;
        let words = format!("With {}: {}.", in_words(change), outcome(asked, why, &other));
        return Ok((words, Some(described(asked, why, &other, change)), None));
    }
    let Some((band, other)) = round.least_band(asked.who, &asked.limits)? else {
        let words = "Exactly: no higher band would have brought a better place.".to_owned();
        return Ok((words, None, None));
    };
    let change = Change { band: Some(band), ..Change::default() };
    let words = format!(
        "Exactly: no band from {} up to {} would have brought a better place; with band {}: {}.",
        why.request.band.get(),
        band.get().saturating_sub(1),
        band.get(),
        outcome(asked, why, &other)
    );
    Ok((words, Some(described(asked, why, &other, &change)), Some(band)))
}

fn described(asked: &Asked, why: &Why, other: &WhatIf, change: &Change) -> WhatIfAnswer {
    WhatIfAnswer {
        change: RowChange {
            band: change.band,
            kinds: change.kinds.clone(),
            mandated: change.mandate.map(|_| true),
        },
        dual: other.dual,
        gap_ppm: other.gap_ppm,
        given: (&other.decision).into(),
        objective: other.objective,
        others_moved: (asked.others == Others::Counted).then_some(other.others_moved),
        same_place: other.decision.placement == why.decision.placement,
        work: other.work,
    }
}

fn outcome(asked: &Asked, why: &Why, other: &WhatIf) -> String {
    let place = match other.decision.placement == why.decision.placement {
        true => "the same place".to_owned(),
        false => placement(&other.decision),
    };
    let proof = match other.gap_ppm {
        0 => "proved optimal".to_owned(),
        gap => format!("proved within {gap} ppm only, so this is one good answer, not the optimum's"),
    };
    match asked.others {
        Others::Counted => {
            format!("{place} ({proof}; {} other students would be elsewhere)", other.others_moved)
        }
        Others::Untold => format!("{place} ({proof})"),
    }
}

fn in_words(change: &Change) -> String {
    let band = change.band.map(|band| format!("need band {}", band.get()));
    let mandate = change.mandate.map(|_| "a mandate".to_owned());
    let kinds = change.kinds.as_ref().map(|kinds| {
        let kinds: Vec<String> = kinds.iter().map(KindId::to_string).collect();
        format!("kinds {} ranked", kinds.join(", "))
    });
    [band, mandate, kinds].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

fn placement(row: &DecisionRow) -> String {
    match row.placement {
        Placement::Waitlist => format!("waits, at weighted cost {}", row.cost),
        Placement::Pool { pool, rank, tier } => {
            let tier = match tier {
                0 => "the own school",
                1 => "the own district",
                _ => "a school of the same type",
            };
            format!(
                "pool {pool}, choice number {}, at {tier}, at weighted cost {}",
                u32::from(rank) + 1,
                row.cost
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use aula_ledger::audit::{Bundle, Subject};
    use aula_ledger::codec::Canonical;
    use aula_ledger::types::Handle;

    use super::*;

    fn pinned() -> Decided {
        let bytes = include_bytes!("../../../ledger/vectors/evidence/round.bundle");
        let Ok(Bundle { subject: Subject::Round(evidence), .. }) = Bundle::from_canonical(bytes) else {
            unreachable!("the pinned bundle is a round's")
        };
        Decided::of_evidence(&evidence).unwrap_or_else(|error| unreachable!("{error}"))
    }

    fn handles() -> Vec<Handle> {
        let bytes = include_bytes!("../../../ledger/vectors/evidence/round.bundle");
        let Ok(Bundle { subject: Subject::Round(evidence), .. }) = Bundle::from_canonical(bytes) else {
            unreachable!("the pinned bundle is a round's")
        };
        let row = |row: &aula_ledger::audit::bundle::DecidedRequest| {
            row.request_row().unwrap_or_else(|error| unreachable!("{error}"))
        };
        evidence.rows.iter().map(|shown| row(shown).handle).collect()
    }

    fn asked(handle: Handle) -> Asked {
        Asked {
            who: Who { handle, district: None },
            change: None,
            limits: Limits::default(),
            verified: false,
            standing: None,
            others: Others::Counted,
        }
    }

    #[test]
    fn every_row_of_the_pinned_round_gets_an_exact_answer_in_words_and_json() {
        let round = pinned();
        for handle in handles() {
            let answer = answer(&round, &asked(handle)).unwrap_or_else(|e| unreachable!("{e}"));
            assert!(
                answer.text.contains("Exactly: ") && answer.text.contains("at these prices"),
                "{}",
                answer.text
            );
            assert_eq!(answer.least_band.is_none(), answer.what_if.is_none());
            // A map has its fields in the alphabet's order: so they are sent, whatever types they have.
            let sent = serde_json::to_string(&answer).unwrap_or_default();
            assert_eq!(sent, serde_json::to_value(&answer).unwrap_or_default().to_string());
        }
    }

    #[test]
    fn a_change_asked_for_is_named_and_answered() {
        let round = pinned();
        let handle = handles().first().copied().unwrap_or_else(|| unreachable!("a row"));
        let change = Change { band: Band::new(9), mandate: Some(Mandate::Mandated), kinds: None };
        let changed = Asked { change: Some(change), ..asked(handle) };
        let answer = answer(&round, &changed).unwrap_or_else(|e| unreachable!("{e}"));
        assert!(answer.text.contains("With need band 9 and a mandate: "), "{}", answer.text);
        let what_if = answer.what_if.unwrap_or_else(|| unreachable!("a change was asked for"));
        assert_eq!((what_if.gap_ppm, what_if.change.band), (0, Band::new(9)));
        let stranger = answer_of_stranger(&round);
        assert!(matches!(stranger, Err(WhyError::NoSuchHandle(_))));
    }

    fn answer_of_stranger(round: &Decided) -> Result<WhyAnswer, WhyError> {
        answer(round, &asked(Handle([0; 32])))
    }

    #[test]
    fn whoever_may_not_count_others_is_told_of_none() {
        let round = pinned();
        for handle in handles() {
            let untold = Asked { others: Others::Untold, ..asked(handle) };
            let answer = answer(&round, &untold).unwrap_or_else(|e| unreachable!("{e}"));
            assert!(!answer.text.contains("other students would be elsewhere"), "{}", answer.text);
            assert!(answer.what_if.is_none_or(|what_if| what_if.others_moved.is_none()));
        }
    }
}
