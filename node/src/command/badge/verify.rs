//! `aula badge verify`: exit 0 it holds, 1 it does not, 2 nobody can tell here.

use std::path::PathBuf;

use aula_report::credentials::Options;
use aula_report::credentials::contexts::Contexts;
use aula_report::credentials::issuer::{Pin, Trust};
use aula_report::credentials::sources::{Local, Sources};
use aula_report::credentials::time::Moment;
use aula_report::credentials::verify::{Report, Verdict as Judged, verify};
use clap::Args;
use serde_json::{Value, json};

use super::online::Online;
use crate::command::{Advise, Answer, Failure, Outcome, Verdict, now_ms};
use crate::terminal::unanswered;

/// Arguments of `aula badge verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 it holds; 1 a signature, date, form or status says no; 2 it cannot be read, or a \
                        status list, key, schema or context is not to be had."
)]
pub struct VerifyArgs {
    /// The credential: JSON, a token, or a PNG or SVG that holds one
    pub file: PathBuf,
    /// Its status list, or a folder of status lists known by their ids
    #[arg(long, value_name = "FILE|DIR")]
    pub status: Option<PathBuf>,
    /// A folder of issuers' documents (DID documents), known by their ids
    #[arg(long, value_name = "DIR")]
    pub did: Option<PathBuf>,
    /// A key that you trust for an issuer: z6Mk… or zDna…, or a JSON Web Key; repeat it for several
    #[arg(long, value_name = "ID=KEY")]
    pub issuer: Vec<String>,
    /// Refuse a key that only the credential itself brings
    #[arg(long)]
    pub require_trusted: bool,
    /// Judge it as of this moment, 2026-11-29T12:00:00Z or 2026-11-29 [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Fetch status lists and issuers' documents: https alone, no private addresses, 1 MiB and 5 seconds each
    #[arg(long)]
    pub online: bool,
}

/// Files first, then the network if it is allowed.
struct Both {
    local: Local,
    online: Option<Online>,
}

impl Sources for Both {
    fn status_list(&self, url: &str) -> Result<Option<Vec<u8>>, String> {
        match (self.local.status_list(url)?, &self.online) {
            (None, Some(online)) => online.status_list(url),
            (found, _) => Ok(found),
        }
    }

    fn controller(&self, id: &str) -> Result<Option<Value>, String> {
        match (self.local.controller(id)?, &self.online) {
            (None, Some(online)) => online.controller(id),
            (found, _) => Ok(found),
        }
    }
}

/// Judges a file; of one that cannot be judged the answer's fields are told too.
pub async fn run(args: VerifyArgs) -> Outcome {
    judge(args).await.unwrap_or_else(|failure| {
        let reason = failure.message.clone();
        let nobody = json!({ "id": null, "key": null, "trust": null });
        let fields =
            json!({ "valid": false, "reason": reason, "issuer": nobody, "status": "unknown", "checks": [] });
        unanswered(&failure, fields)
    })
}

async fn judge(args: VerifyArgs) -> Result<Outcome, Failure> {
    let bytes = super::read(&args.file)?;
    if let Some(status) = args.status.as_deref().filter(|path| !path.exists()) {
        let message = format!("{} is not there", status.display());
        return Err(Failure::new("unreadable", message, "name a status list or a folder of them"));
    }
    let mut pins = Vec::new();
    for text in &args.issuer {
        let pin = Pin::parse(text).map_err(|error| {
            let next = "give the issuer's id, = and its key: z6Mk…, zDna… or a JSON Web Key";
            Failure::new("bad_issuer", format!("--issuer {text:?} pins nothing: {error}"), next)
        })?;
        pins.push(pin);
    }
    let at = moment(args.at.as_deref())?;
    let local = Local { status: args.status, controllers: super::folder(args.did)? };
    let online = if args.online { Some(Online::connect()?) } else { None };
    let require_trusted = args.require_trusted;
    // The network is waited for on a thread of its own: the judge knows no async.
    let judged = tokio::task::spawn_blocking(move || {
        let sources = Both { local, online };
        let options =
            Options { at, pins: &pins, require_trusted, sources: &sources, contexts: Contexts::pinned() };
        verify(&bytes, &options)
    });
    let judged = judged.await.advise("the judgment was broken off", "run again, and report what it says")?;
    let report = judged.map_err(|error| {
        let message = format!("{} cannot be judged: {error}", args.file.display());
        Failure::new(
            "unreadable",
            message,
            "give an Open Badges 3.0 or CLR 2.0 credential as JSON, token, PNG or SVG",
        )
    })?;
    let verdict = match report.verdict() {
        Judged::Valid => Verdict::Yes,
        Judged::Invalid => Verdict::No,
        Judged::CannotTell => Verdict::CannotTell,
    };
    let text = text(&report);
    Ok(Outcome { verdict, answer: Some(Answer::new(report, text)) })
}

pub(super) fn moment(given: Option<&str>) -> Result<Moment, Failure> {
    match given {
        None => Ok(Moment(i64::try_from(now_ms()).unwrap_or(i64::MAX))),
        Some(text) => {
            Moment::parse(text).or_else(|| Moment::parse(&format!("{text}T00:00:00Z"))).ok_or_else(|| {
                Failure::new(
                    "bad_time",
                    format!("{text:?} is not a moment"),
                    "write 2026-11-29T12:00:00Z or 2026-11-29",
                )
            })
        }
    }
}

fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    if report.issuer.trust == Some(Trust::SelfAsserted) {
        lines.push(
            "Self-asserted: it brings its own key; that shows that nobody changed it, not who made it."
                .to_owned(),
        );
    }
    let word = match report.verdict() {
        Judged::Valid => "It holds",
        Judged::Invalid => "It does not hold",
        Judged::CannotTell => "Nobody can tell here",
    };
    lines.push(format!("{word}: {}", report.reason));
    if let Some(id) = &report.issuer.id {
        lines.push(format!("issuer {id}"));
    }
    for check in &report.checks {
        let mark = match (check.ok, check.unknown) {
            (true, _) => "yes",
            (false, true) => " ? ",
            (false, false) => " no",
        };
        lines.push(format!("  {mark}  {}: {}", check.name, check.detail));
    }
    lines.join("\n")
}
