//! Schools' acknowledgements: chased while their window is open, recorded as missed when it is over.
//!
//! Who acknowledges is the school; this tells which of the district's schools owe one and until when, in
//! HOME/reports/acknowledgements.csv and the log, and records for the ledger what was missed. The ledger escalates once.

use aula_api::paths;
use aula_api::registers::{Rounds, Schools};
use aula_api::report::{AcknowledgementLine, Owed, RoundReport};
use aula_files::{Access, private_folder, replace};
use aula_ledger::tx::{Acknowledge, Arrival};
use aula_ledger::types::{DistrictId, RoundId};

use super::office::{Node, Office};
use crate::command::district::report;
use crate::command::posting::rejection;
use crate::command::{Advise, Failure};

/// Of the window that is left, so much makes a line of the log a warning: an hour.
const SOON_MS: u64 = 3_600_000;

/// What the district's schools owe in rounds whose decision stands, of these states.
pub(super) async fn owed(
    node: &Node,
    district: DistrictId,
    is_wanted: impl Fn(Owed) -> bool,
) -> Result<Vec<(RoundId, AcknowledgementLine)>, Failure> {
    let told: Rounds = node.public.get(paths::ROUNDS).await?;
    let standing: Vec<RoundId> =
        told.rounds.iter().filter(|round| round.stands()).map(|round| round.round).collect();
    let mut owed: Vec<(RoundId, AcknowledgementLine)> = Vec::new();
    if standing.is_empty() {
        return Ok(owed);
    }
    let schools: Schools = node.public.get(paths::SCHOOLS).await?;
    let own = |school: u32| {
        schools.schools.iter().any(|one| one.school.id.0 == school && one.school.district == district)
    };
    for round in standing {
        let report: RoundReport = node.public.get(&paths::round_report(round)).await?;
        let lines = report.acknowledgements.into_iter();
        owed.extend(
            lines.filter(|line| is_wanted(line.state) && own(line.school.0)).map(|line| (round, line)),
        );
    }
    Ok(owed)
}

/// Chases them.
pub(super) async fn chase(office: &Office) -> Result<String, Failure> {
    let (node, district) = office.district().await?;
    let owed = owed(&node, district, |state| matches!(state, Owed::Waiting | Owed::Overdue)).await?;
    write(office, &owed)?;
    let now_ms = office.now_ms();
    let (mut missed, mut failed) = (0, None);
    for (round, line) in &owed {
        if line.state == Owed::Waiting {
            let left_s = line.due_ms.0.saturating_sub(now_ms) / 1_000;
            if line.due_ms.0.saturating_sub(now_ms) < SOON_MS {
                tracing::warn!(%round, school = line.school.0, pool = line.pool.0, left_s, "a school has not acknowledged its places");
            }
            continue;
        }
        let payload = Acknowledge { round: *round, pool: line.pool, arrival: Arrival::Missed };
        let settled = office.posting().await?.send(payload).await?;
        if settled.is_accepted() {
            missed += 1;
            tracing::warn!(%round, school = line.school.0, pool = line.pool.0, "missed, and recorded so: it is escalated");
        } else {
            // The school was quicker, or another recorded it: the next look knows.
            failed = Some(rejection(&settled, "the record of a missed acknowledgement"));
        }
    }
    match failed {
        Some(failure) => Err(failure),
        None => {
            Ok(format!("{} acknowledgements are owed, {missed} were recorded as missed", owed.len() - missed))
        }
    }
}

/// The list for people.
fn write(office: &Office, owed: &[(RoundId, AcknowledgementLine)]) -> Result<(), Failure> {
    let folder = office.context.home.path().join("reports");
    let (path, hint) = (folder.join("acknowledgements.csv"), "check the folder's owner and the space left");
    private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
    let rows = owed.iter().map(|(round, line)| {
        let state = if line.state == Owed::Overdue { "overdue" } else { "waiting" };
        [
            round.to_string(),
            line.school.to_string(),
            line.pool.to_string(),
            line.due_ms.to_string(),
            state.to_owned(),
        ]
    });
    let bytes = report::table(&["round", "school", "pool", "due_ms", "state"], rows)?;
    replace(&path, Access::Private, &bytes).advise(format!("cannot write {}", path.display()), hint)
}
