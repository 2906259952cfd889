//! What a node sends by itself, with the account that came with its validator: its shares of lotteries' seeds, and evidence of
//! misbehaviour (`super::evidence`). It commits to a share for each round whose validators its own is among, and reveals
//! it. Nobody has to start it.
//!
//! What is to be sent is read from the state after each block, and shares follow from the node's key, so that nothing has
//! to be kept: a node that was killed at any point goes on where the ledger is. What is sent already is sent again only
//! when the pool no longer has it. A newcomer sends nothing while its chain is not proven: a share is the same on every chain of its
//! genesis, and given away on another one it is known before its time on the consortium's.
//!
//! Absent: whether enough others share, which the ledger decides when the window ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aula_ledger::codec::Canonical;
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Records, Round, SeedShare, Window};
use aula_ledger::tx::{Body, Transaction, TransactionId};
use aula_ledger::tx::{CommitSeed, Payload, RevealSeed, seed_commitment, seed_share};
use aula_ledger::types::{AccountId, Hash, Height, RoundId, ValidatorAddress};
use ed25519_dalek::SigningKey;
use metrics::{counter, describe_counter};
use zeroize::Zeroizing;

use super::evidence::Evidence;
use super::ready::is_proven;
use aula_home::clock::now_ms;
use aula_store::{ChainDb, ChainView};
use aula_web::http::{Network, SeedDuty, SharedSeed};

#[cfg(test)]
mod tests;

/// Heights for which a transaction is valid: when it did not come into a block by then, it is signed anew.
const VALID_HEIGHTS: u64 = 200;
/// A block older than this is of a chain that this node still fetches.
const CURRENT_MS: u64 = 60_000;

/// What a node knows of its duty; shared with its API.
pub(super) type Told = Arc<Mutex<SeedDuty>>;

/// A share that is on its way.
struct Sent {
    payload: Payload,
    id: TransactionId,
}

/// The duty of one node.
pub(super) struct Shares {
    genesis: Hash,
    key: SigningKey,
    account: AccountId,
    /// By sequence number.
    sent: BTreeMap<u64, Sent>,
    told: Told,
    /// What the engine saw, and as whom this node votes.
    evidence: (Evidence, Option<ValidatorAddress>),
}

impl Shares {
    pub(super) fn new(genesis: Hash, key: SigningKey) -> Self {
        let account = account_of(&public_key(&key));
        let told = SeedDuty { account, admitted: false, due: 0, last: None, error: None };
        Self {
            genesis,
            key,
            account,
            sent: BTreeMap::new(),
            told: Arc::new(Mutex::new(told)),
            evidence: Default::default(),
        }
    }

    /// The same, sending also what is seen of misbehaviour, in its turn as this validator's node.
    pub(super) fn reporting(self, evidence: Evidence, votes_as: Option<ValidatorAddress>) -> Self {
        Self { evidence: (evidence, votes_as), ..self }
    }

    /// What is shown of it.
    pub(super) fn told(&self) -> Told {
        Arc::clone(&self.told)
    }

    /// Looks after each block, for as long as the node runs.
    pub(super) async fn attend(self, db: Arc<ChainDb>, network: Arc<dyn Network>) {
        describe_counter!("aula_seed_shares_total", "shares of seeds sent by this node, by what was done");
        let (mut shares, mut tips) = (self, db.watch_tip());
        loop {
            let (chain, network) = (Arc::clone(&db), Arc::clone(&network));
            let looked = tokio::task::spawn_blocking(move || {
                shares.turn(&chain, network.as_ref(), now_ms());
                shares
            });
            shares = match looked.await {
                Ok(shares) => shares,
                Err(error) => {
                    tracing::error!(%error, "the node's shares of seeds are sent no more; start it again");
                    return;
                }
            };
            if tips.changed().await.is_err() {
                return;
            }
        }
    }

    /// Looks where the chain is current and known to be the consortium's.
    fn turn(&mut self, db: &ChainDb, network: &dyn Network, now_ms: u64) {
        let view = db.latest();
        let is_current = now_ms.saturating_sub(view.tip().time_ms.0) < CURRENT_MS;
        if is_current && is_proven(db) {
            self.look(&view, network);
        }
    }

    /// Sends what the state says is due.
    fn look(&mut self, view: &ChainView, network: &dyn Network) {
        let before = self.told.lock().unwrap_or_else(PoisonError::into_inner).error.clone();
        let outcome = self.send_due(view, network);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.error = outcome.err();
        if let Some(error) = told.error.as_ref().filter(|error| before.as_ref() != Some(error)) {
            tracing::warn!(error, "a share of a seed is not sent yet; it is tried again after each block");
        }
    }

    fn send_due(&mut self, view: &ChainView, network: &dyn Network) -> Result<(), String> {
        let words = |error: StoreError| error.to_string();
        let admitted = schema::admitted_member(view, &self.account).map_err(words)?;
        let mut payloads = match admitted {
            Some(_) => self.due(view).map_err(words)?,
            None => Vec::new(),
        };
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.admitted = admitted.is_some();
            told.due = payloads.len();
        }
        let Some((account, _)) = admitted else { return Ok(()) };
        let (evidence, own) = &self.evidence;
        for (_, sent) in self.sent.range(..account.sequence) {
            if let Payload::ReportMisbehaviour(report) = &sent.payload {
                evidence.hear(view, &report.evidence, &sent.id).map_err(words)?;
            }
        }
        payloads.extend(evidence.due(view, own.as_ref()).map_err(words)?);
        self.sent.retain(|sequence, sent| *sequence >= account.sequence && network.is_pending(&sent.id));
        let mut refused = None;
        for payload in payloads {
            let free = (account.sequence..).find(|sequence| !self.sent.contains_key(sequence));
            let Some(free) = free else { break };
            // On its way, and nothing before it is missing.
            let under =
                self.sent.iter().find(|(_, sent)| sent.payload == payload).map(|(sequence, _)| *sequence);
            if under.is_some_and(|sequence| sequence < free) {
                continue;
            }
            let height = view.tip().height;
            match network.submit(self.sign(&payload, free, height)) {
                Ok(id) => self.note(payload, free, id, height),
                // One of before a restart waits under this number: it will be in a block, and the state says so.
                Err(error) => refused = Some(error.message),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn sign(&self, payload: &Payload, sequence: u64, height: Height) -> Vec<u8> {
        let valid_until_height = Height(height.0.saturating_add(VALID_HEIGHTS));
        let (genesis, account, payload) = (self.genesis, self.account, payload.clone());
        let body = Body { genesis, account, sequence, valid_until_height, payload };
        Transaction::sign(body, &self.key).to_canonical()
    }

    fn note(&mut self, payload: Payload, sequence: u64, id: TransactionId, height: Height) {
        match &payload {
            Payload::CommitSeed(commit) => self.tell("committed", commit.round, commit.attempt, height),
            Payload::RevealSeed(reveal) => self.tell("revealed", reveal.round, reveal.attempt, height),
            Payload::ReportMisbehaviour(report) => {
                let validator = report.evidence.validator();
                tracing::warn!(%validator, height = %report.evidence.height, "evidence of misbehaviour is sent to the ledger");
            }
            _ => return,
        }
        self.sent.insert(sequence, Sent { payload, id });
    }

    fn tell(&self, act: &'static str, round: RoundId, attempt: u32, height: Height) {
        tracing::info!(%round, attempt, "share of the seed {act}");
        counter!("aula_seed_shares_total", "act" => act).increment(1);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.last = Some(SharedSeed { act: act.to_owned(), round, attempt, height });
    }

    /// What the state asks of this account, by round.
    fn due(&self, view: &(impl Records + ?Sized)) -> Result<Vec<Payload>, StoreError> {
        let mut payloads = Vec::new();
        for id in schema::open_windows(view)? {
            let counts = schema::seed_power(view, id)?.is_some_and(|power| power.has(&self.account));
            let round = schema::round(view, id)?.filter(|_| counts);
            payloads.extend(round.map(|round| self.due_of(view, &round)).transpose()?.flatten());
        }
        Ok(payloads)
    }

    fn due_of(&self, view: &(impl Records + ?Sized), round: &Round) -> Result<Option<Payload>, StoreError> {
        let (id, attempt) = (round.round, round.attempt);
        let secret = Zeroizing::new(self.key.to_bytes());
        let share = seed_share(&secret, &self.genesis, id, attempt);
        let commitment = seed_commitment(id, attempt, &self.account, &share);
        let known: Option<SeedShare> = schema::read(view, &schema::seed_key(id, attempt, &self.account))?;
        Ok(match known {
            None if round.takes_commitments() => Some(CommitSeed { round: id, attempt, commitment }.into()),
            Some(known)
                if round.window == Window::Reveals
                    && known.secret.is_none()
                    && known.commitment == commitment =>
            {
                Some(RevealSeed { round: id, attempt, secret: share }.into())
            }
            _ => None,
        })
    }
}
