//! What the commands of members share: the home's account signs, the node takes it, and what became of it is told.

use std::time::Duration;

use aula_api::PublicEvent;
use aula_api::event::EventFields;
use aula_api::paths;
use aula_api::registers::{Classes, Members};
use aula_api::transactions::TransactionStatus;
use aula_client::Client;
use aula_client::sender::Sender;
use aula_ledger::state::schema::{Class, Member};
use aula_ledger::tx::{Payload, TransactionId};
use aula_ledger::types::AccountId;
use clap::Args;
use serde_json::{Map, Value, json};

use super::rpc::RpcArgs;
use super::tx::{rejected, settle};
use super::vault::record::LedgerArgs;
use super::{Context, Failure, Outcome};

/// For how many heights a transaction stays valid.
const VALID_FOR: u64 = 1_000;

/// The node to ask, and how long to wait for it.
#[derive(Debug, Clone, Args)]
pub struct ActingArgs {
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
    /// How long to wait until a transaction is final, in seconds; what was sent may still become final later
    #[arg(long, global = true, default_value_t = 60)]
    pub wait_s: u64,
}

impl ActingArgs {
    /// The same, for what asks with a credential as well.
    pub(super) fn ledger(&self) -> LedgerArgs {
        LedgerArgs { rpc: self.rpc.clone(), wait_s: self.wait_s }
    }

    /// The home's account at that node.
    ///
    /// # Errors
    /// When the node cannot be reached or the home has no member's key.
    pub(super) async fn acting(&self, context: &Context) -> Result<Acting, Failure> {
        let client = self.rpc.client(context)?;
        let sender = Sender::of_home(&client, &context.home, VALID_FOR).await?;
        Ok(Acting { client, sender, limit: Duration::from_secs(self.wait_s) })
    }
}

/// An account that acts through a node.
pub(super) struct Acting {
    pub(super) client: Client,
    pub(super) sender: Sender,
    limit: Duration,
}

impl Acting {
    /// Sends a transaction and follows it until it is in a block, or the ledger's state refuses it.
    ///
    /// # Errors
    /// When the node refuses it for another reason, or it is not final in time.
    pub(super) async fn send(&mut self, payload: impl Into<Payload>) -> Result<Done, Failure> {
        let (id, told) = settle(&self.client, &mut self.sender, payload, self.limit).await?;
        Ok(Done { id, told })
    }

    /// The account of a member's name, or the account itself.
    ///
    /// # Errors
    /// When no member has that name.
    pub(super) async fn member(&self, text: &str) -> Result<AccountId, Failure> {
        member(&self.client, text).await
    }

    /// The class of this number.
    ///
    /// # Errors
    /// When there is none, with `hint` as what to do.
    pub(super) async fn class(&self, number: u16, hint: &str) -> Result<Class, Failure> {
        let known: Classes = self.client.get(paths::CLASSES).await?;
        let found = known.classes.into_iter().find(|one| one.definition.class.0 == number);
        found.ok_or_else(|| Failure::new("unknown_class", format!("there is no class {number}"), hint))
    }
}

/// The account of a member's name, or the account itself.
///
/// # Errors
/// When no member has that name or account.
pub(super) async fn member(client: &Client, text: &str) -> Result<AccountId, Failure> {
    let known: Members = client.get(paths::MEMBERS).await?;
    let named = |one: &&Member| one.name.as_str() == text || one.account.to_string() == text;
    known.members.iter().find(named).map(|one| one.account).ok_or_else(|| {
        let message = format!("no member is called {text:?}");
        Failure::new("unknown_member", message, "see them with `aula query members`")
    })
}

/// A transaction in a block, or one that the ledger's state refused before (it has no height).
pub(super) struct Done {
    pub(super) id: TransactionId,
    pub(super) told: TransactionStatus,
}

impl Done {
    /// Whether the ledger executed it.
    pub(super) fn accepted(&self) -> bool {
        self.told.code == Some(0)
    }

    /// What an event of this kind says; none where there is none.
    pub(super) fn event<T: EventFields>(&self) -> Option<T> {
        self.told.events.iter().flatten().find_map(PublicEvent::fields)
    }

    /// Exit 0 with the fields and words that an event of this kind gives, or exit 1 with the ledger's words.
    ///
    /// # Errors
    /// When an accepted transaction told no such event.
    pub(super) fn told_by<T: EventFields>(
        self,
        say: impl FnOnce(T) -> (Value, String),
    ) -> Result<Outcome, Failure> {
        if !self.accepted() {
            return Ok(self.outcome(json!({}), ""));
        }
        let event = self.event().ok_or_else(|| {
            let message = format!("the node told no {} that this program can read", T::EVENT);
            Failure::new("bad_answer", message, "compare the versions of node and program with `aula doctor`")
        })?;
        let (fields, text) = say(event);
        Ok(self.outcome(fields, text))
    }

    /// Exit 0 with these fields and words, or exit 1 with the ledger's words.
    pub(super) fn outcome(self, fields: Value, text: impl Into<String>) -> Outcome {
        let accepted = self.accepted();
        let no = rejected(&self.told);
        let TransactionStatus { code, meaning, entry, height, events, .. } = self.told;
        let (meaning, events) = (meaning.unwrap_or_default(), events.unwrap_or_default());
        let mut all = match fields {
            Value::Object(fields) if accepted => fields,
            _ => Map::new(),
        };
        let receipt = json!({
            "id": self.id, "height": height, "code": code, "meaning": meaning, "entry": entry, "events": events,
        });
        all.extend(receipt.as_object().cloned().unwrap_or_default());
        if accepted { Outcome::yes(all, text) } else { Outcome::no(all, no) }
    }
}
