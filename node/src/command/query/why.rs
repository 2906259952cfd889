//! `aula query why`: why a student got this place, and exactly what another row would have brought.
//!
//! Works on a round's bundle: a file, offline, or the node's evidence route with the home's credential. The bundle is
//! verified when a genesis is at hand; its certificate is checked in any case. The counterfactual solves the whole
//! round again with that one row changed and checks the new certificate; all other rows and the lottery's seed stay.

use std::path::{Path, PathBuf};

use aula_allocation::Limits;
use aula_ledger::audit::{Bundle, Options, Standing, Subject, Verdict, verify};
use aula_ledger::codec::Canonical;
use aula_ledger::rounds::why::{Change, Decided, WhatIf, Who, Why, WhyError};
use aula_ledger::state::schema::{DecisionRow, Placement};
use aula_ledger::tx::Mandate;
use aula_ledger::types::{Band, DistrictId, Handle, KindId, RoundId};
use clap::Args;
use serde_json::{Value, json};

use super::super::evidence::rows::Rows;
use super::super::vault::record::LedgerArgs;
use super::super::{Advise, Context, Failure, Outcome};
use super::QueryArgs;

/// Most preferred places named; the best come first.
const MAX_ALTERNATIVES: usize = 3;

/// Arguments of `aula query why`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula query why --bundle round-7.bundle --handle H --genesis genesis.json\n  aula query why --round 7 \
                  --handle H --rpc http://127.0.0.1:8480 --home D/auditor\n  aula query why --bundle round-7.bundle --handle H \
                  --band 7 --kinds 2,0\n\nWithout --band, --kinds or --mandated the lowest band is sought that would have \
                  brought a better place. Exit 0 with the answer; 1 when nobody with that handle requested, or the bundle does not \
                  verify; 2 when there is no exact answer, or it cannot be told whether the bundle verifies."
)]
pub struct WhyArgs {
    /// The student's pseudonym, 64 hex digits
    #[arg(long)]
    pub handle: Handle,
    /// The student's district: needed only where two districts requested for one handle
    #[arg(long)]
    pub district: Option<u16>,
    /// A round's bundle, as `aula evidence round` writes it
    #[arg(long, value_name = "FILE", required_unless_present = "round", conflicts_with = "round")]
    pub bundle: Option<PathBuf>,
    /// Ask the node for this round's bundle; needs an auditor's key in the home, whom the ledger lists as taking the rows
    #[arg(long)]
    pub round: Option<u32>,
    /// Verify the bundle against this genesis first
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// What if the need band were this, 0 to 9
    #[arg(long, value_parser = band)]
    pub band: Option<Band>,
    /// What if these kinds were ranked, best first, as numbers of the class's kinds
    #[arg(long, value_delimiter = ',')]
    pub kinds: Option<Vec<u8>>,
    /// What if the student had a mandate
    #[arg(long)]
    pub mandated: bool,
    /// Most entries scanned by each solution
    #[arg(long, default_value_t = Limits::default().work)]
    pub max_work: u64,
}

fn band(text: &str) -> Result<Band, String> {
    text.parse().ok().and_then(Band::new).ok_or_else(|| "a band is 0 to 9".into())
}

impl WhyArgs {
    fn who(&self) -> Who {
        Who { handle: self.handle, district: self.district.map(DistrictId) }
    }

    fn change(&self) -> Option<Change> {
        let change = Change {
            band: self.band,
            mandate: self.mandated.then_some(Mandate::Mandated),
            kinds: self.kinds.as_ref().map(|kinds| kinds.iter().copied().map(KindId).collect()),
        };
        (change != Change::default()).then_some(change)
    }
}

/// Reads the bundle, explains the row, solves the changed round.
///
/// # Errors
/// When the bundle cannot be had or read, or the changed round cannot be solved.
pub async fn run(context: &Context, query: &QueryArgs, args: &WhyArgs) -> Result<Outcome, Failure> {
    let bytes = match (&args.bundle, args.round) {
        (Some(path), _) => read(path)?,
        (None, round) => {
            let round = RoundId(round.unwrap_or(0));
            let rows = Rows::of_home(context, &LedgerArgs::of(&query.rpc)).await?;
            rows.of_round(round, &format!("/v1/evidence/round/{round}")).await?
        }
    };
    let mut standing = None;
    if let Some(path) = &args.genesis {
        let report = verify(&bytes, &read(path)?, &Options::default());
        match report.verdict {
            Verdict::Valid => standing = report.standing,
            Verdict::Invalid => {
                let text = format!("the bundle does not verify: {}", report.sentence);
                return Ok(Outcome::no(json!({ "verified": false, "sentence": report.sentence }), text));
            }
            Verdict::CannotTell => {
                let hint = "`aula-audit verify` says what is missing";
                return Err(Failure::new("cannot_tell", format!("not verified: {}", report.sentence), hint));
            }
        }
    }
    let hint = "give a bundle that `aula evidence round` wrote with this version";
    let bundle = Bundle::from_canonical(&bytes).advise("this is no evidence bundle", hint)?;
    let Subject::Round(evidence) = &bundle.subject else {
        return Err(Failure::new("not_a_round", "the bundle is not about a round", hint));
    };
    let round = Decided::of_evidence(evidence).advise("the bundle does not explain its round", hint)?;
    match answer(&round, args, standing) {
        Ok(answer) => Ok(answer),
        Err(error @ WhyError::NoSuchHandle(_)) => {
            Ok(Outcome::no(json!({ "found": false, "round": round.round }), error.to_string()))
        }
        Err(error @ WhyError::TwoDistricts(_)) => {
            Err(error).advise("no one student is meant", "name the district with --district")
        }
        Err(error) => {
            Err(error).advise("no exact answer", "change another part of the row, or raise --max-work")
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .advise(format!("cannot read {}", path.display()), "check the path and that you may read it")
}

/// The answer in words and as JSON.
fn answer(round: &Decided, args: &WhyArgs, standing: Option<Standing>) -> Result<Outcome, WhyError> {
    let why = round.why(args.who())?;
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
    let fallen = match standing {
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
            args.handle,
            why.request.home_school,
            why.request.band.get(),
            if why.request.mandate == Mandate::Mandated { ", with a mandate" } else { "" }
        ),
        format!("Decided: {}.", placement(&why.decision)),
        explanation.clone(),
    ]);
    let (exactly, what_if, least_band) = counterfactual(round, args, &why)?;
    lines.push(exactly);
    lines.push(
        "All other rows and the lottery's seed are as they were; each answer's certificate was checked."
            .into(),
    );
    let json = json!({
        "round": round.round, "handle": args.handle, "verified": args.genesis.is_some(), "standing": standing, "gap_ppm": why.gap_ppm,
        "given": why.decision, "explanation": explanation, "least_band": least_band, "what_if": what_if,
        "certificates_checked": true,
    });
    Ok(Outcome::yes(json, lines.join("\n")))
}

/// The exact answer in words, the changed round, and the least band when that was the question.
fn counterfactual(
    round: &Decided,
    args: &WhyArgs,
    why: &Why,
) -> Result<(String, Option<Value>, Value), WhyError> {
    let limits = Limits { work: args.max_work };
    if let Some(change) = args.change() {
        let other = round.what_if(args.who(), &change, &limits)?;
        let words = format!("With {}: {}.", in_words(&change), outcome(why, &other));
        return Ok((words, Some(described(why, &other, &change)), Value::Null));
    }
    let Some((band, other)) = round.least_band(args.who(), &limits)? else {
        let words = "Exactly: no higher band would have brought a better place.".to_owned();
        return Ok((words, None, Value::Null));
    };
    let change = Change { band: Some(band), ..Change::default() };
    let words = format!(
        "Exactly: no band from {} up to {} would have brought a better place; with band {}: {}.",
        why.request.band.get(),
        band.get().saturating_sub(1),
        band.get(),
        outcome(why, &other)
    );
    Ok((words, Some(described(why, &other, &change)), json!(band)))
}

fn described(why: &Why, other: &WhatIf, change: &Change) -> Value {
    json!({
        "change": { "band": change.band, "mandated": change.mandate.map(|_| true), "kinds": change.kinds },
        "given": other.decision, "same_place": other.decision.placement == why.decision.placement,
        "objective": other.objective, "dual": other.dual, "gap_ppm": other.gap_ppm, "work": other.work,
        "others_moved": other.others_moved,
    })
}

fn outcome(why: &Why, other: &WhatIf) -> String {
    let place = match other.decision.placement == why.decision.placement {
        true => "the same place".to_owned(),
        false => placement(&other.decision),
    };
    let proof = match other.gap_ppm {
        0 => "proved optimal".to_owned(),
        gap => format!("proved within {gap} ppm only, so this is one good answer, not the optimum's"),
    };
    format!("{place} ({proof}; {} other students would be elsewhere)", other.others_moved)
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
    use super::*;

    fn pinned() -> Decided {
        let bytes = include_bytes!("../../../../ledger/vectors/evidence/round.bundle");
        let Ok(Bundle { subject: Subject::Round(evidence), .. }) = Bundle::from_canonical(bytes) else {
            unreachable!("the pinned bundle is a round's")
        };
        Decided::of_evidence(&evidence).unwrap_or_else(|error| unreachable!("{error}"))
    }

    fn handles() -> Vec<Handle> {
        let bytes = include_bytes!("../../../../ledger/vectors/evidence/round.bundle");
        let Ok(Bundle { subject: Subject::Round(evidence), .. }) = Bundle::from_canonical(bytes) else {
            unreachable!("the pinned bundle is a round's")
        };
        let row = |row: &aula_ledger::audit::bundle::DecidedRequest| {
            row.request_row().unwrap_or_else(|error| unreachable!("{error}"))
        };
        evidence.rows.iter().map(|shown| row(shown).handle).collect()
    }

    fn asked(handle: Handle) -> WhyArgs {
        WhyArgs {
            handle,
            district: None,
            bundle: None,
            round: Some(0),
            genesis: None,
            band: None,
            kinds: None,
            mandated: false,
            max_work: Limits::default().work,
        }
    }

    #[test]
    fn every_row_of_the_pinned_round_gets_an_exact_answer_in_words_and_json() {
        let round = pinned();
        for handle in handles() {
            let outcome = answer(&round, &asked(handle), None).unwrap_or_else(|e| unreachable!("{e}"));
            let answer = outcome.answer.unwrap_or_else(|| unreachable!("an answer"));
            assert!(
                answer.text.contains("Exactly: ") && answer.text.contains("at these prices"),
                "{}",
                answer.text
            );
            assert_eq!(answer.json["least_band"].is_null(), answer.json["what_if"].is_null());
        }
    }

    #[test]
    fn a_change_asked_for_is_named_and_answered() {
        let round = pinned();
        let handle = handles().first().copied().unwrap_or_else(|| unreachable!("a row"));
        let args = WhyArgs { band: Band::new(9), mandated: true, ..asked(handle) };
        let outcome = answer(&round, &args, None).unwrap_or_else(|e| unreachable!("{e}"));
        let answer = outcome.answer.unwrap_or_else(|| unreachable!("an answer"));
        assert!(answer.text.contains("With need band 9 and a mandate: "), "{}", answer.text);
        assert_eq!(
            (&answer.json["what_if"]["gap_ppm"], &answer.json["what_if"]["change"]["band"]),
            (&json!(0), &json!(9))
        );
        let stranger = answer_of_stranger(&round);
        assert!(matches!(stranger, Err(WhyError::NoSuchHandle(_))));
    }

    fn answer_of_stranger(round: &Decided) -> Result<Outcome, WhyError> {
        answer(round, &asked(Handle([0; 32])), None)
    }
}
