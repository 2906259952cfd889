//! One account's transactions: signed in its order, submitted, sent again while the node has no room.
//!
//! Flow: [`Sender::of_home`] asks the node for the next sequence number, once; from then on this process counts.
//! [`Sender::send`] numbers, signs and hands over, and takes the next number where another sender of the account has this
//! one: any number of them may send at once. Whoever knows to be alone uses [`Sender::sign`] and [`submit`]. Absent:
//! waiting until final, which [`super::watch`] does for many at once.

use std::path::PathBuf;
use std::time::Duration;

use aula_api::paths;
use aula_api::transactions::AccountStatus;
use aula_home::Home;
use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::code::Code;
use aula_ledger::codec::Canonical;
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::tx::Payload;
use aula_ledger::tx::transaction::Body;
use aula_ledger::tx::{Transaction, TransactionId};
use aula_ledger::types::{AccountId, Hash, Height};
use ed25519_dalek::SigningKey;
use tokio::time::Instant;

use super::{Client, ClientError};

#[cfg(test)]
mod tests;

/// Numbers of refusals that pass by themselves: the pool is full, the account's part of it is, or earlier
/// transactions of the account have not arrived yet.
const NO_ROOM: [u16; 4] = [1001, 1002, 1004, 1006];
/// The ledger's refusal of a number below the account's next one.
pub(crate) const WRONG_SEQUENCE: u16 = Code::WrongSequence.number() as u16;
/// The pool's refusal of a number under which another transaction waits.
pub(crate) const SEQUENCE_TAKEN: u16 = 1003;
const RETRY_EVERY: Duration = Duration::from_millis(10);
/// How long to go on when the node has no room.
const RETRY_LIMIT: Duration = Duration::from_secs(60);

/// An account that sends, with the number that its next transaction has.
pub struct Sender {
    genesis: Hash,
    account: AccountId,
    key: SigningKey,
    sequence: u64,
    valid_until: Height,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("account", &self.account).field("sequence", &self.sequence).finish()
    }
}

/// A transaction on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What `/v1/transactions/{id}` asks for.
    pub id: TransactionId,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// How many transactions the account had sent before it.
    pub sequence: u64,
}

impl Sender {
    /// An account that has sent nothing yet on a chain that has just begun. Transactions are valid through
    /// `valid_until`.
    pub fn new(genesis: Hash, account: AccountId, key: SigningKey, valid_until: Height) -> Self {
        Self { genesis, account, key, sequence: 0, valid_until }
    }

    /// The home's account as a node knows it; transactions are valid for `heights` from now.
    ///
    /// # Errors
    /// When the home has no usable key, the node cannot be reached, or knows no such account.
    pub async fn of_home(client: &Client, home: &Home, heights: u64) -> Result<Self, ClientError> {
        let key = NodeKey::of_home(home, KeyKind::Account)?.into_signing_key();
        let genesis = client.status().await?.genesis_sha256;
        let account = account_of_home(home, &key)?;
        let known: Option<AccountStatus> = client.find(&paths::account(account)).await?;
        let known = known.ok_or(ClientError::UnknownAccount { genesis, account })?;
        let valid_until = Height(known.height.0.saturating_add(heights));
        Ok(Self { genesis, account, key, sequence: known.sequence, valid_until })
    }

    /// The account that signs: 40 hex digits in text.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// SHA-256 of the chain's genesis file.
    pub fn genesis(&self) -> &Hash {
        &self.genesis
    }

    /// The key that signs.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Numbers and signs a transaction. It must be submitted: the next one counts on it.
    pub fn sign(&mut self, payload: impl Into<Payload>) -> Signed {
        let sequence = self.sequence;
        let body = Body {
            genesis: self.genesis,
            account: self.account,
            sequence,
            valid_until_height: self.valid_until,
            payload: payload.into(),
        };
        self.sequence = self.sequence.saturating_add(1);
        let bytes = Transaction::sign(body, &self.key).to_canonical();
        Signed { id: aula_ledger::tx::transaction::id_of_bytes(&bytes), bytes, sequence }
    }
}

/// Where a home says which account is its own: written when its first key, from which the account's name
/// follows, is replaced.
pub fn account_file(home: &Home) -> PathBuf {
    home.keys_dir().join("account.id")
}

/// The home's account: the key's own, or after a rotation the one that `keys/account.id` names.
///
/// # Errors
/// When that file cannot be read or names none.
pub fn account_of_home(home: &Home, key: &SigningKey) -> Result<AccountId, ClientError> {
    let path = account_file(home);
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(account_of(&public_key(key))),
        Err(source) => Err(ClientError::AccountFile { path, source }),
        Ok(text) => {
            let named = text.trim().parse::<AccountId>();
            named.map_err(|error| ClientError::AccountName { path, why: error.to_string() })
        }
    }
}

/// Submits a signed transaction; while the node has no room for it, again, for a minute at most.
///
/// # Errors
/// The node's refusal, or that it cannot be reached.
pub async fn submit(client: &Client, signed: &Signed) -> Result<(), ClientError> {
    let start = Instant::now();
    loop {
        let request = client.submission(signed.bytes.clone());
        let response = request.send().await.map_err(|error| client.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let refused = client.refusal(status, &response.bytes().await.unwrap_or_default());
        let busy = matches!(refused, ClientError::Refused(_)) && matches!(status.as_u16(), 429 | 503);
        let passing = busy || refused.ledger_code().is_some_and(|code| NO_ROOM.contains(&code));
        if !passing || start.elapsed() > RETRY_LIMIT {
            return Err(refused);
        }
        tokio::time::sleep(RETRY_EVERY).await;
    }
}

impl Sender {
    /// Signs a transaction and hands it over. Where another sender of this account, in this moment or waiting since
    /// earlier, has the sequence number already, it is signed again with the next one.
    ///
    /// # Errors
    /// The node's refusal, or that it cannot be reached.
    pub async fn send(
        &mut self,
        client: &Client,
        payload: impl Into<Payload>,
    ) -> Result<Signed, ClientError> {
        match self.offer(client, payload).await? {
            (signed, None) => Ok(signed),
            (_, Some(refused)) => Err(refused),
        }
    }

    /// The same, for who wants to tell what it was that the node refused: its number in the account's order is free again.
    ///
    /// # Errors
    /// That the node cannot be reached, or an account whose number is taken for too long.
    pub async fn offer(
        &mut self,
        client: &Client,
        payload: impl Into<Payload>,
    ) -> Result<(Signed, Option<ClientError>), ClientError> {
        let payload = payload.into();
        let start = Instant::now();
        loop {
            let signed = self.sign(payload.clone());
            let Err(refused) = submit(client, &signed).await else { return Ok((signed, None)) };
            match refused.ledger_code() {
                // The next one is tried: [`Self::sign`] counted on.
                Some(SEQUENCE_TAKEN) => {}
                // What was waiting is in a block meanwhile.
                Some(WRONG_SEQUENCE) => self.refresh(client).await?,
                Some(_) => {
                    self.sequence = signed.sequence;
                    return Ok((signed, Some(refused)));
                }
                None => return Err(refused),
            }
            if start.elapsed() > RETRY_LIMIT {
                return Err(refused);
            }
        }
    }

    /// Asks for the account's next sequence number.
    ///
    /// # Errors
    /// When the node cannot be reached or knows no such account.
    pub async fn refresh(&mut self, client: &Client) -> Result<(), ClientError> {
        let known: AccountStatus = client.get(&paths::account(self.account)).await?;
        self.sequence = known.sequence;
        Ok(())
    }

    /// True when the chain executed another transaction under this one's number: it can never be in a block.
    ///
    /// # Errors
    /// When the node cannot be reached.
    pub async fn is_overtaken(&self, client: &Client, signed: &Signed) -> Result<bool, ClientError> {
        let known: AccountStatus = client.get(&paths::account(self.account)).await?;
        Ok(known.sequence > signed.sequence)
    }
}

/// Submits several accounts' transactions at once, each account's in its order.
///
/// # Errors
/// The first refusal.
pub async fn submit_all(
    client: &Client,
    accounts: Vec<Vec<Signed>>,
) -> Result<Vec<TransactionId>, ClientError> {
    let ids = accounts.iter().flatten().map(|signed| signed.id).collect();
    let sending = accounts.into_iter().map(|queue| async move {
        for signed in &queue {
            submit(client, signed).await?;
        }
        Ok::<(), ClientError>(())
    });
    futures::future::try_join_all(sending).await?;
    Ok(ids)
}
