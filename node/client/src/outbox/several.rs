//! Several transactions at once: all signed, kept and sent in their order before the first is waited for.
//!
//! One transaction a block is what an account gets that waits for each. Invariants: as of [`Outbox::post`]; what was never sent is
//! taken out again, the last first, so that no later process sends one whose predecessor nobody has.

use std::time::Duration;

use aula_home::fault;
use aula_ledger::tx::Payload;
use tokio::time::Instant;

use super::{Outbox, Settled};
use crate::sender::{Sender, submit};
use crate::{Client, ClientError};

impl Outbox {
    /// Posts each; gives, in the order of the payloads, what became of each. It ends early with an error that is not about one
    /// transaction: then what was sent is in the outbox still.
    ///
    /// # Errors
    /// A disk that refuses.
    pub async fn post_all(
        &self,
        client: &Client,
        sender: &mut Sender,
        payloads: &[Payload],
        limit: Duration,
    ) -> Result<Vec<Result<Settled, ClientError>>, ClientError> {
        let start = Instant::now();
        let mut parcels = Vec::with_capacity(payloads.len());
        for payload in payloads {
            parcels.push(self.keep(sender.sign(payload.clone()))?);
        }
        let mut sent = 0;
        for parcel in &parcels {
            match submit(client, &parcel.signed).await {
                Ok(()) => sent += 1,
                // It may have arrived: only the ledger's own word says that it did not.
                Err(refused) if refused.ledger_code().is_none() => return Ok(vec![Err(refused)]),
                Err(_) => break,
            }
        }
        fault::point();
        for parcel in parcels.drain(sent..).rev() {
            self.dismiss(&parcel)?;
        }
        let (mut fates, mut anew) = (Vec::with_capacity(payloads.len()), Vec::new());
        for (at, parcel) in parcels.into_iter().enumerate() {
            match self.follow(client, &parcel, limit.saturating_sub(start.elapsed())).await {
                Ok(Some(told)) => fates.push((at, Ok(Settled { parcel, told }))),
                Ok(None) => anew.push(at),
                Err(error) => {
                    fates.push((at, Err(error)));
                    return Ok(fates.into_iter().map(|(_, fate)| fate).collect());
                }
            }
        }
        anew.extend(sent..payloads.len());
        if !anew.is_empty() {
            sender.refresh(client).await?;
        }
        // Another sender of the account was there, or one was refused: the rest goes one by one, each with its own answer.
        for at in anew {
            let Some(payload) = payloads.get(at) else { continue };
            let fate = self.post(client, sender, payload.clone(), limit).await;
            let lost = fate.as_ref().is_err_and(|error| error.ledger_code().is_none());
            fates.push((at, fate));
            if lost {
                break;
            }
        }
        fates.sort_by_key(|(at, _)| *at);
        Ok(fates.into_iter().map(|(_, fate)| fate).collect())
    }
}
