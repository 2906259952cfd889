//! Rounds: places asked for as soon as one takes requests, and a steward's own run as soon as they may be.
//!
//! Invariant: what stands on the ledger is not asked for again, and what is on its way is sent again as it is: the command's own
//! care (`aula district request`), which this calls. A round that was asked for is asked for again only when its file of wishes
//! changes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aula_api::paths;
use aula_api::registers::{Classes, Rounds};
use aula_api::rounds::RoundView;
use aula_files::{Access, private_folder, replace};
use aula_home::fault;
use aula_ledger::state::schema::{RoundStatus, Window};
use aula_ledger::tx::RunRound;
use sha2::{Digest, Sha256};

use super::office::Office;
use crate::command::district::request::{self, RequestArgs};
use crate::command::posting::rejection;
use crate::command::{Advise, Failure, Verdict};

/// Rounds that were asked for, each with what was wished.
type Asked = BTreeMap<u32, String>;

/// Asks for places in every round that takes requests.
pub(super) async fn request(office: &Office) -> Result<String, Failure> {
    let (node, _) = office.district().await?;
    let told: Rounds = node.public.get(paths::ROUNDS).await?;
    let open = told.rounds.into_iter().filter(takes_requests);
    let mut asked = load(office)?;
    let (mut done, mut failed) = (Vec::new(), None);
    for round in open {
        let number = round.round.0;
        let wishes = wishes(office, &round);
        let digest = digest(wishes.as_ref())?;
        if asked.get(&number) == Some(&digest) {
            continue;
        }
        let args = RequestArgs { round: number, wishes, dry_run: false, place: office.place.clone() };
        match request::run(&office.context, &office.ledger, &args).await {
            Ok(outcome) => {
                let text = outcome.answer.map(|answer| answer.text).unwrap_or_default();
                let line = text.lines().next().unwrap_or_default().to_owned();
                if outcome.verdict == Verdict::No {
                    tracing::warn!(round = number, "{text}");
                }
                done.push(line);
                asked.insert(number, digest);
                keep(office, &asked)?;
            }
            // The others go on.
            Err(failure) => failed = Some(failure),
        }
    }
    match failed {
        Some(failure) => Err(failure),
        None if done.is_empty() => Ok("no round to ask in".into()),
        None => Ok(done.join("; ")),
    }
}

/// Runs the rounds of the home's own classes whose windows are over.
pub(super) async fn run(office: &Office) -> Result<String, Failure> {
    let node = office.node().await?;
    let told: Rounds = node.public.get(paths::ROUNDS).await?;
    let due: Vec<RoundView> = told
        .rounds
        .into_iter()
        .filter(|round| round.status == RoundStatus::Open && round.window == Window::Closed)
        .collect();
    if due.is_empty() {
        return Ok("no round to run".into());
    }
    let classes: Classes = node.public.get(paths::CLASSES).await?;
    let account = node.member.account;
    let own = |round: &RoundView| {
        classes.classes.iter().any(|class| class.definition.class == round.class && class.steward == account)
    };
    let (mut done, mut failed) = (Vec::new(), None);
    for round in due.iter().filter(|round| own(round)) {
        let settled = office.posting().await?.send(RunRound { round: round.round }).await?;
        if settled.is_accepted() {
            done.push(format!("round {} is decided", round.round));
        } else {
            failed = Some(rejection(&settled, &format!("the running of round {}", round.round)));
        }
    }
    match failed {
        Some(failure) => Err(failure),
        None if done.is_empty() => Ok("no round of this home's classes to run".into()),
        None => Ok(done.join("; ")),
    }
}

fn takes_requests(round: &RoundView) -> bool {
    round.status == RoundStatus::Open && round.window == Window::Requests
}

/// The file of wishes for a round, where there is one.
fn wishes(office: &Office, round: &RoundView) -> Option<PathBuf> {
    let folder = office.settings.wishes_dir(&office.context.home);
    let of = [format!("round-{}.csv", round.round), format!("class-{}.csv", round.class)];
    of.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

fn digest(wishes: Option<&PathBuf>) -> Result<String, Failure> {
    let Some(path) = wishes else { return Ok("recommended".into()) };
    let bytes = std::fs::read(path).advise(format!("cannot read {}", path.display()), "check its owner")?;
    Ok(hex::encode(Sha256::digest(&bytes)))
}

fn path(office: &Office) -> PathBuf {
    office.context.home.service_dir().join("asked.json")
}

fn load(office: &Office) -> Result<Asked, Failure> {
    let path = path(office);
    match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Asked::new()),
        read => {
            let bytes = read.advise(format!("cannot read {}", path.display()), "check its owner")?;
            // Asking again asks for nothing twice.
            Ok(serde_json::from_slice(&bytes).unwrap_or_default())
        }
    }
}

fn keep(office: &Office, asked: &Asked) -> Result<(), Failure> {
    let (path, hint) = (path(office), "check the folder's owner and the space left");
    private_folder(&office.context.home.service_dir()).advise("cannot make HOME/service", hint)?;
    let bytes = serde_json::to_vec(asked).advise("the list of rounds cannot be written", hint)?;
    fault::point();
    replace(&path, Access::Private, &bytes).advise(format!("cannot write {}", path.display()), hint)?;
    fault::point();
    Ok(())
}
