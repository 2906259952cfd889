//! An account's transactions that must not be sent twice, whatever dies in between, and what follows from each once it is final.
//!
//! Flow: [`Posting::begin`] settles what an earlier process left in the home's outbox → [`Posting::send`] → what follows is done →
//! the transaction leaves the outbox. What follows: the vault notes in which block a version was anchored; the book of
//! milestones notes one that stands. Both may be done twice, and are after a crash between them and the dismissal. Invariant:
//! the vault is not open while the ledger is waited for.

use std::time::Duration;

use aula_client::Client;
use aula_client::outbox::{Outbox, Settled};
use aula_client::sender::Sender;
use aula_district::milestone_book::Book;
use aula_home::fault;
use aula_ledger::tx::Payload;
use aula_ledger::types::{Handle, Height};

use super::vault::record::LedgerArgs;
use super::vault::{Place, refused};
use super::{Context, Failure};

/// For how many heights a transaction stays valid: about a quarter of an hour.
const VALID_FOR: u64 = 1_000;

/// An account that posts.
pub(super) struct Posting<'a> {
    context: &'a Context,
    place: &'a Place,
    pub(super) client: Client,
    pub(super) sender: Sender,
    outbox: Outbox,
    limit: Duration,
    /// How many an earlier process had left.
    pub(super) recovered: usize,
}

impl<'a> Posting<'a> {
    /// The home's account, once what an earlier process left is settled.
    ///
    /// # Errors
    /// A node that cannot be reached or knows no such account; an outbox or a vault that cannot be used.
    pub(super) async fn begin(
        context: &'a Context,
        place: &'a Place,
        ledger: &LedgerArgs,
    ) -> Result<Self, Failure> {
        let client = ledger.rpc.client(context)?;
        let limit = Duration::from_secs(ledger.wait_s);
        let outbox = Outbox::of_home(&context.home).await?;
        let left = outbox.recover(&client, limit).await?;
        conclude(context, place, &left.iter().collect::<Vec<_>>())?;
        for settled in &left {
            outbox.dismiss(&settled.parcel)?;
        }
        let sender = Sender::of_home(&client, &context.home, VALID_FOR).await?;
        Ok(Self { context, place, client, sender, outbox, limit, recovered: left.len() })
    }

    /// Sends a transaction and does what follows from it.
    ///
    /// # Errors
    /// As [`Outbox::post`]; a vault that refuses.
    pub(super) async fn send(&mut self, payload: impl Into<Payload>) -> Result<Settled, Failure> {
        let settled = self.outbox.post(&self.client, &mut self.sender, payload, self.limit).await?;
        conclude(self.context, self.place, &[&settled])?;
        self.outbox.dismiss(&settled.parcel)?;
        Ok(settled)
    }

    /// Sends several before it waits for the first, and does what follows from them; gives, in their order, what became of each. It
    /// ends early where the node cannot be reached any more.
    ///
    /// # Errors
    /// A disk or a vault that refuses.
    pub(super) async fn send_all(
        &mut self,
        payloads: &[Payload],
    ) -> Result<Vec<Result<Settled, Failure>>, Failure> {
        let fates = self.outbox.post_all(&self.client, &mut self.sender, payloads, self.limit).await?;
        let settled: Vec<&Settled> = fates.iter().flatten().collect();
        conclude(self.context, self.place, &settled)?;
        for one in &settled {
            self.outbox.dismiss(&one.parcel)?;
        }
        Ok(fates.into_iter().map(|fate| Ok(fate?)).collect())
    }
}

/// What follows from transactions that are in blocks; doing it again changes nothing.
fn conclude(context: &Context, place: &Place, settled: &[&Settled]) -> Result<(), Failure> {
    let mut book = None;
    for one in settled.iter().filter(|one| one.is_accepted()) {
        fault::point();
        let height = Height(one.told.height.unwrap_or_default());
        match &one.parcel.payload {
            Payload::AnchorStates(anchored) => {
                let versions: Vec<(Handle, u32)> =
                    anchored.states.iter().map(|state| (state.handle, state.version)).collect();
                place.open(context)?.note_anchored(&versions, height).map_err(refused)?;
            }
            Payload::RecordMilestone(milestone) => {
                let book = match &mut book {
                    Some(book) => book,
                    none => none.insert(Book::of_home(&context.home)?),
                };
                book.stands(milestone)?;
            }
            _ => {}
        }
        fault::point();
    }
    Ok(())
}

/// The ledger's words for what it did not take.
pub(super) fn rejection(settled: &Settled, what: &str) -> Failure {
    let told = &settled.told;
    let meaning = told.meaning.clone().unwrap_or_default();
    let code = told.code.unwrap_or_default();
    let message = format!("the ledger rejected {what}: {meaning} (code {code})");
    Failure::new("rejected", message, format!("see `aula query transaction {}`", settled.id()))
}
