//! `aula query why`: why a student got this place, and exactly what another row would have brought.
//!
//! Works on a round's bundle: a file, offline, or for an auditor the node's evidence route with the home's credential. The
//! bundle is verified when a genesis is at hand; its certificate is checked in any case. The counterfactual solves the whole
//! round again with that one row changed and checks the new certificate; all other rows and the lottery's seed stay.
//!
//! A district has no other rows than its own: of its own student its node gives the answer, the least band included, which it
//! solves with the rows that it holds as a validator.

use std::path::{Path, PathBuf};

use aula_api::paths;
use aula_api::why::WhyAnswer;
use aula_files::read_at_most;
use aula_ledger::audit::why::{Change, Decided, Limits, Who, WhyError};
use aula_ledger::audit::{Bundle, Options, Subject, Verdict, verify};
use aula_ledger::codec::Canonical;
use aula_ledger::tx::Mandate;
use aula_ledger::types::{Band, DistrictId, Handle, KindId, RoundId};
use aula_read::why::{self, Asked, Others};
use clap::Args;
use serde_json::json;

use super::super::evidence::rows::Rows;
use super::super::vault::record::LedgerArgs;
use super::super::{Advise, Context, Failure, Outcome};
use super::QueryArgs;

/// Arguments of `aula query why`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula query why --bundle round-7.bundle --handle H --genesis genesis.json\n  aula query why --round 7 \
                  --handle H --rpc http://127.0.0.1:8480 --home D/auditor\n  aula query why --round 7 --handle H --home \
                  D/district-12     a student of one's own\n  aula query why --bundle round-7.bundle --handle H \
                  --band 7 --kinds 2,0\n\nWithout --band, --kinds or --mandated the lowest band is sought that would have \
                  brought a better place. Exit 0 with the answer; 1 when nobody with that handle requested, or the bundle does not \
                  verify; 2 when there is no exact answer, or it cannot be told whether the bundle verifies."
)]
pub struct WhyArgs {
    /// The student's pseudonym, 64 hex digits
    #[arg(long)]
    pub handle: Handle,
    /// The number of the student's district: needed only where two districts requested for one handle
    #[arg(long)]
    pub district: Option<u16>,
    /// A round's bundle, as `aula evidence round` writes it
    #[arg(long, value_name = "FILE", required_unless_present = "round", conflicts_with = "round")]
    pub bundle: Option<PathBuf>,
    /// Ask the node about this round: with a district's home for a student of its own, the least band as the node solves it;
    /// with an auditor's home from the round's bundle, whose rows the ledger lists the auditor as taking
    #[arg(long)]
    pub round: Option<u32>,
    /// Verify the bundle against this genesis first
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// What if the need band were this, 0 to 9
    #[arg(long, value_parser = band)]
    pub band: Option<Band>,
    /// What if these kinds were ranked, best first, as positions in the class's list of kinds, from 0
    #[arg(long, value_delimiter = ',')]
    pub kinds: Option<Vec<u8>>,
    /// What if the student had a mandate
    #[arg(long)]
    pub mandated: bool,
    /// Most entries that each solution may scan: the optimizer's measure of work
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
            if !rows.is_auditor() {
                return of_own(&rows, round, args).await;
            }
            rows.of_round(round, &paths::evidence_round(round)).await?
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
    let bundle = Bundle::from_canonical(&bytes).advise("this is not an evidence bundle", hint)?;
    let Subject::Round(evidence) = &bundle.subject else {
        return Err(Failure::new("not_a_round", "the bundle is not about a round", hint));
    };
    let round = Decided::of_evidence(evidence).advise("the bundle does not explain its round", hint)?;
    let asked = Asked {
        who: args.who(),
        change: args.change(),
        limits: Limits { work: args.max_work },
        verified: args.genesis.is_some(),
        standing,
        others: Others::Counted,
    };
    match why::answer(&round, &asked) {
        Ok(answer) => Ok(told(answer)),
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

/// Each form says it once: the sentences are the text, and not in the JSON again.
fn told(mut answer: WhyAnswer) -> Outcome {
    let text = std::mem::take(&mut answer.text);
    Outcome::yes(answer, text)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_at_most(path, Bundle::MAX_BYTES)
        .advise(format!("cannot read {}", path.display()), "check the path and that you may read it")
}

/// A district's own student, as its node answers.
async fn of_own(rows: &Rows<'_>, round: RoundId, args: &WhyArgs) -> Result<Outcome, Failure> {
    let district = rows.district().ok_or_else(|| {
        let message = "the home acts for no district and is not an auditor";
        Failure::new("no_district", message, "give a district's or an auditor's folder with --home")
    })?;
    if args.change().is_some() || args.genesis.is_some() {
        let message =
            "a district's node answers what was decided and the least band, and proves nothing of it";
        let hint = "leave out --band, --kinds, --mandated and --genesis, or ask an auditor for the rest";
        return Err(Failure::new("auditors_only", message, hint));
    }
    let path = paths::own_why(district, round, args.handle);
    match rows.own().get::<WhyAnswer>(&path).await.map_err(Failure::from) {
        Ok(answer) => Ok(told(answer)),
        Err(failure) if failure.code == "no_request" => {
            Ok(Outcome::no(json!({ "found": false, "round": round }), failure.message))
        }
        Err(failure) => Err(failure),
    }
}
