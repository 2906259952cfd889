//! Transactions that a home has signed and not yet seen final: on disk before they are sent, so that whatever dies in between,
//! the same bytes are sent again and never others in their place.
//!
//! Flow: [`Outbox::of_home`] → [`Outbox::recover`] first, which settles what an earlier process left → [`Outbox::post`] for each
//! new one. A transaction counts at most once on a chain, by its account and number: sending its bytes again does nothing twice.
//! It leaves the outbox when it is final, or when it can never be: another has its number, or its heights are over. Invariants:
//! nothing is signed anew while it may still be in a block; one process at a time holds a home's outbox. Absent: what is sent,
//! and what is done once it is final: whoever posts looks at [`Settled`], which is told again after a crash until it is dismissed.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aula_api::paths;
use aula_api::transactions::TransactionStatus;
use aula_files::{Access, create, private_folder, sync_folder};
use aula_home::{Home, fault};
use aula_ledger::codec::Canonical;
use aula_ledger::tx::Payload;
use aula_ledger::tx::transaction::id_of_bytes;
use aula_ledger::tx::{Transaction, TransactionId};
use tokio::time::Instant;

use super::sender::{SEQUENCE_TAKEN, Sender, Signed, WRONG_SEQUENCE, submit};
use super::{Client, ClientError};

mod several;
#[cfg(test)]
mod tests;

/// For how long a node may not know a transaction that it took: it is sent again then.
const FORGOTTEN: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(20);
/// How long to wait for another process to let go of the outbox.
const PATIENCE: Duration = Duration::from_secs(10);

/// A home's transactions on their way, held by this process alone.
#[derive(Debug)]
pub struct Outbox {
    folder: PathBuf,
    _lock: File,
}

/// A transaction in the outbox.
#[derive(Debug, Clone)]
pub struct Parcel {
    path: PathBuf,
    signed: Signed,
    valid_until: u64,
    /// What it says.
    pub payload: Payload,
}

/// A transaction that is in a block.
#[derive(Debug, Clone)]
pub struct Settled {
    /// As it was kept before it was sent.
    pub parcel: Parcel,
    /// What the node says of it.
    pub told: TransactionStatus,
}

impl Settled {
    /// The SHA-256 by which nodes name it.
    pub fn id(&self) -> TransactionId {
        self.parcel.signed.id
    }

    /// Whether the ledger executed it.
    pub fn is_accepted(&self) -> bool {
        self.told.code == Some(0)
    }
}

/// What became of a parcel.
enum Fate {
    Final(Box<TransactionStatus>),
    /// It can never be in a block.
    Dead,
    /// It waits in the node's pool.
    Waiting,
    /// The node does not have it, and it still may be in a block.
    Unknown,
}

impl Outbox {
    /// The home's outbox, once no other process has it.
    ///
    /// # Errors
    /// A folder that cannot be used, or that another process keeps.
    pub async fn of_home(home: &Home) -> Result<Self, ClientError> {
        let folder = home.outbox_dir();
        private_folder(&folder).map_err(failed(&folder))?;
        let path = folder.join("LOCK");
        let lock = File::create(&path).map_err(failed(&path))?;
        let start = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { folder, _lock: lock }),
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => tokio::time::sleep(POLL).await,
                Err(error) => return Err(failed(&path)(error.into())),
            }
        }
    }

    /// What an earlier process left, in the order of the numbers.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn waiting(&self) -> Result<Vec<Parcel>, ClientError> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed(&self.folder))? {
            let path = entry.map_err(failed(&self.folder))?.path();
            if path.extension().is_none_or(|end| end != "tx") {
                continue;
            }
            let bytes = std::fs::read(&path).map_err(failed(&path))?;
            found.push(Parcel::of(path, bytes)?);
        }
        found.sort_by_key(|parcel| parcel.signed.sequence);
        Ok(found)
    }

    /// Sends what an earlier process left, and gives what is in a block; what can never be is dropped.
    ///
    /// # Errors
    /// A node that cannot be reached or refuses, or what is not final in time: all stays as it is.
    pub async fn recover(&self, client: &Client, limit: Duration) -> Result<Vec<Settled>, ClientError> {
        let (mut settled, waiting) = (Vec::new(), self.waiting()?);
        // All are on their way, in their order, before the first is waited for; what is refused here, the look below meets again.
        for parcel in waiting.iter().filter(|_| waiting.len() > 1) {
            if matches!(fate(client, parcel).await?, Fate::Unknown) {
                let _ = submit(client, &parcel.signed).await;
            }
        }
        for parcel in waiting {
            if let Some(told) = self.follow(client, &parcel, limit).await? {
                settled.push(Settled { parcel, told });
            }
        }
        Ok(settled)
    }

    /// Signs, keeps, sends, and follows until it is in a block. [`Outbox::dismiss`] it once what follows from it is done.
    ///
    /// # Errors
    /// The node's refusal, or that it cannot be reached, or that it is not final in time: then it is in the outbox still.
    pub async fn post(
        &self,
        client: &Client,
        sender: &mut Sender,
        payload: impl Into<Payload>,
        limit: Duration,
    ) -> Result<Settled, ClientError> {
        let payload = payload.into();
        let start = Instant::now();
        loop {
            let parcel = self.keep(sender.sign(payload.clone()))?;
            let left = limit.saturating_sub(start.elapsed());
            match submit(client, &parcel.signed).await {
                Ok(()) => {
                    fault::point();
                    if let Some(told) = self.follow(client, &parcel, left).await? {
                        return Ok(Settled { parcel, told });
                    }
                    sender.refresh(client).await?;
                }
                Err(refused) => match refused.ledger_code() {
                    // Another of the account waits under this number, or was executed under it: this one never was taken.
                    Some(SEQUENCE_TAKEN) => self.dismiss(&parcel)?,
                    Some(WRONG_SEQUENCE) => {
                        self.dismiss(&parcel)?;
                        sender.refresh(client).await?;
                    }
                    Some(_) => {
                        self.dismiss(&parcel)?;
                        return Err(refused);
                    }
                    None => return Err(refused),
                },
            }
            if start.elapsed() > limit {
                return Err(ClientError::NotFinal(format!(
                    "the account's number was taken for {} s",
                    limit.as_secs()
                )));
            }
        }
    }

    /// Takes a transaction out: what follows from it is done.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn dismiss(&self, parcel: &Parcel) -> Result<(), ClientError> {
        fault::point();
        std::fs::remove_file(&parcel.path).map_err(failed(&parcel.path))?;
        sync_folder(&parcel.path).map_err(failed(&self.folder))?;
        fault::point();
        Ok(())
    }

    fn keep(&self, signed: Signed) -> Result<Parcel, ClientError> {
        let path = self.folder.join(format!("{:020}-{}.tx", signed.sequence, signed.id));
        fault::point();
        create(&path, Access::Private, &signed.bytes).map_err(failed(&path))?;
        fault::point();
        Parcel::of(path, signed.bytes)
    }

    /// Follows a transaction until it is in a block, and sends it again where nobody has it; none once it never can be, which
    /// takes it out.
    async fn follow(
        &self,
        client: &Client,
        parcel: &Parcel,
        limit: Duration,
    ) -> Result<Option<TransactionStatus>, ClientError> {
        let (start, mut sent) = (Instant::now(), Instant::now());
        let mut first = true;
        loop {
            match fate(client, parcel).await? {
                Fate::Final(told) => return Ok(Some(*told)),
                Fate::Dead => {
                    self.dismiss(parcel)?;
                    return Ok(None);
                }
                Fate::Unknown if first || sent.elapsed() > FORGOTTEN => {
                    (first, sent) = (false, Instant::now());
                    match submit(client, &parcel.signed).await {
                        // Another has its number, or had it: the next look says what came of it.
                        Err(refused)
                            if matches!(refused.ledger_code(), Some(WRONG_SEQUENCE | SEQUENCE_TAKEN)) => {}
                        submitted => submitted?,
                    }
                }
                Fate::Unknown | Fate::Waiting => {}
            }
            if start.elapsed() > limit {
                let (id, after) = (parcel.signed.id, limit.as_secs());
                return Err(ClientError::NotFinal(format!("transaction {id} is not final after {after} s")));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Where a parcel is. The account's number is asked before the transaction: a block between the two is seen by the second.
async fn fate(client: &Client, parcel: &Parcel) -> Result<Fate, ClientError> {
    let account = parcel.account()?;
    let known: aula_api::transactions::AccountStatus = client.get(&paths::account(account)).await?;
    let told: TransactionStatus = client.get(&paths::transaction(parcel.signed.id)).await?;
    if told.height.is_some() {
        return Ok(Fate::Final(Box::new(told)));
    }
    if known.sequence > parcel.signed.sequence || known.height.0 > parcel.valid_until {
        return Ok(Fate::Dead);
    }
    Ok(if told.status == "pending" { Fate::Waiting } else { Fate::Unknown })
}

impl Parcel {
    fn of(path: PathBuf, bytes: Vec<u8>) -> Result<Self, ClientError> {
        let damaged = |error: &dyn std::fmt::Display| {
            failed(&path)(io::Error::other(format!("it is not a valid transaction: {error}")))
        };
        let transaction = Transaction::from_canonical(&bytes).map_err(|error| damaged(&error))?;
        let body = transaction.body;
        let (sequence, valid_until, payload) = (body.sequence, body.valid_until_height.0, body.payload);
        let signed = Signed { id: id_of_bytes(&bytes), bytes, sequence };
        Ok(Self { path, signed, valid_until, payload })
    }

    fn account(&self) -> Result<aula_ledger::types::AccountId, ClientError> {
        let body =
            Transaction::from_canonical(&self.signed.bytes).map(|transaction| transaction.body.account);
        body.map_err(|error| failed(&self.path)(io::Error::other(error.to_string())))
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> ClientError + '_ {
    move |source| ClientError::Outbox { path: path.to_owned(), source }
}
