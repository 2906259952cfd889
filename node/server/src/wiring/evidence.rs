//! Evidence of misbehaviour that this node's engine saw, until the ledger holds it.
//!
//! Every honest validator sees the same pair, and the ledger takes it once. So the validators' nodes send it in turn: whose place in
//! the set is nearest behind the height of the offence at once, each next one some blocks later if it is not on record by
//! then. It is kept in memory: a node that is killed leaves it to the others, and one liar's many offences are not all
//! needed.

use std::sync::{Arc, Mutex, PoisonError};

use aula_consensus::Event;
use aula_ledger::chain::misbehaviour::Equivocation;
use aula_ledger::code::Code;
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, MAX_OFFENCES, Records};
use aula_ledger::tx::admin::report_misbehaviour::WITHIN_HEIGHTS;
use aula_ledger::tx::{Payload, ReportMisbehaviour, TransactionId};
use aula_ledger::types::{Height, ValidatorAddress};
use aula_store::{ChainView, Located};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Most pairs that are kept.
const KEPT: usize = 64;
/// Blocks that each of those before has to send it.
const BLOCKS_EACH: u64 = 5;

/// What was seen, is not on record, and was not refused.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    seen: Arc<Mutex<Vec<Equivocation>>>,
}

impl Evidence {
    /// Keeps what consensus tells, for as long as it runs.
    pub(super) async fn listen(self, mut events: Receiver<Event>) {
        loop {
            match events.recv().await {
                Ok(Event::Equivocation { evidence: Some(evidence), .. }) => self.keep(*evidence),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn keep(&self, evidence: Equivocation) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            seen.iter().any(|one| one.public_key == evidence.public_key && one.height == evidence.height);
        if !known && seen.len() < KEPT {
            seen.push(evidence);
        }
    }

    /// Forgets what a block refused, by what it was sent as: the next one would refuse it too, and the chain never idle.
    pub(super) fn hear(
        &self,
        view: &ChainView,
        evidence: &Equivocation,
        sent: &TransactionId,
    ) -> Result<(), StoreError> {
        let Some(Located { height, index }) = view.locate(sent)? else { return Ok(()) };
        let receipts = view.receipts(height)?.unwrap_or_default();
        let code = usize::try_from(index).ok().and_then(|index| receipts.get(index)).map(|one| one.code);
        if let Some(code) = code.filter(|code| *code != Code::Accepted) {
            let validator = evidence.validator();
            tracing::warn!(%validator, height = %evidence.height, why = code.explain(), "the ledger takes no such evidence");
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.retain(|one| one != evidence);
        }
        Ok(())
    }

    /// What the node of this validator is to send on a state, and forgets what need not be sent any more.
    pub(super) fn due(
        &self,
        view: &(impl Records + ?Sized),
        own: Option<&ValidatorAddress>,
    ) -> Result<Vec<Payload>, StoreError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_empty() {
            return Ok(Vec::new());
        }
        let tip = schema::chain(view)?.height;
        let (mut due, mut left) = (Vec::new(), Vec::new());
        let allowed = schema::protocol(view)?.at(tip.next()).now.records_misbehaviour();
        for evidence in seen.drain(..) {
            let record = schema::misbehaviour(view, &evidence.validator())?;
            let done = record
                .is_some_and(|known| known.has(evidence.height) || known.offences.len() >= MAX_OFFENCES);
            if done || tip.0.saturating_sub(evidence.height.0) >= WITHIN_HEIGHTS {
                continue;
            }
            if allowed && tip >= turn(view, &evidence, own)? {
                due.push(ReportMisbehaviour { evidence: evidence.clone() }.into());
            }
            left.push(evidence);
        }
        *seen = left;
        Ok(due)
    }
}

/// From which tip on a validator's node sends it; one that is not in the set goes last.
fn turn(
    view: &(impl Records + ?Sized),
    evidence: &Equivocation,
    own: Option<&ValidatorAddress>,
) -> Result<Height, StoreError> {
    let set = schema::validator_schedule(view)?.next;
    let count = set.validators().len() as u64;
    let place = set.validators().iter().position(|one| Some(&one.address) == own);
    let behind = place.map_or(count, |place| {
        let first = evidence.height.0 % count.max(1);
        (place as u64).saturating_add(count).saturating_sub(first) % count.max(1)
    });
    Ok(Height(evidence.height.0.saturating_add(behind.saturating_mul(BLOCKS_EACH))))
}

#[cfg(test)]
pub(super) mod tests;
