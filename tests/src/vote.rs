//! What members of a test's consortium send: changes with their votes, and load.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aula_api::event::ChangeProposed;
use aula_client::sender::{Sender, submit};
use aula_client::watch::{Final, Watcher};
use aula_home::Home;
use aula_ledger::names::Title;
use aula_ledger::tx::{Change, Choice, ProposeChange, VoteChange};
use aula_ledger::types::Height;

use crate::net::Net;
use crate::told;

/// For how many heights a transaction stays valid and a change may be voted on.
const HEIGHTS: u64 = 100_000;
const LIMIT: Duration = Duration::from_secs(90);
/// A node that has room takes a transaction sooner.
const TAKEN_WITHIN: Duration = Duration::from_secs(3);

/// The operator of the node at `place`, as the node at `asked` knows it.
///
/// # Errors
/// When the home has no key or the node cannot be reached.
pub async fn operator(net: &Net, place: usize, asked: usize) -> Result<Sender> {
    let home = &net.nodes.get(place).context("no such node")?.home;
    let home = Home::resolve(Some(home)).map_err(anyhow::Error::msg)?;
    Sender::of_home(&net.client(asked)?, &home, HEIGHTS).await.map_err(told)
}

/// Proposes a change and has the operators of `voters` approve it, all through the first of their nodes.
///
/// # Errors
/// When it is not applied.
pub async fn change(net: &Net, change: Change, voters: &[usize]) -> Result<Final> {
    let first = *voters.first().context("nobody votes")?;
    let client = net.client(first)?;
    let mut watcher = Watcher::from_now(&client).await.map_err(told)?;
    let mut proposer = operator(net, first, first).await?;
    let open_until = Height(watcher.height() + HEIGHTS);
    let proposed = proposer.sign(ProposeChange { change, open_until });
    submit(&client, &proposed).await.map_err(told)?;
    let finals = watcher.until(&[proposed.id], LIMIT).await.map_err(told)?;
    let event = finals.first().and_then(|one| one.events.first()).context("the proposal was rejected")?;
    let proposal = event.fields::<ChangeProposed>().context("no number")?.proposal;
    let mut last = None;
    for voter in voters {
        let mut sender = operator(net, *voter, first).await?;
        let vote = sender.sign(VoteChange { proposal, choice: Choice::Approve });
        submit(&client, &vote).await.map_err(told)?;
        last = watcher.until(&[vote.id], LIMIT).await.map_err(told)?.pop();
    }
    let last = last.context("nobody voted")?;
    if last.code != 0 || last.events.first().is_none_or(|event| event.name() != "change_applied") {
        bail!("the change was not applied: {} {:?}", last.meaning, last.events);
    }
    Ok(last)
}

/// Sends small transactions of one operator through one node, one after another, until the task is aborted; a
/// node that does not answer is tried again. Gives nothing: who counts, counts blocks.
pub async fn load(mut sender: Sender, client: aula_client::Client) {
    let Ok(note) = Title::new("load of a fault test") else { return };
    for number in 0u64.. {
        let change = Change::Upgrade { note: note.clone(), height: Height(HEIGHTS * 2 + number) };
        let signed = sender.sign(ProposeChange { change, open_until: Height(HEIGHTS) });
        let sent = tokio::time::timeout(TAKEN_WITHIN, submit(&client, &signed)).await;
        if !matches!(sent, Ok(Ok(()))) {
            tokio::time::sleep(Duration::from_millis(200)).await;
            // A node that was killed has forgotten what waited there, so that numbers are missing; one that still does not
            // answer is asked after the next one.
            let _ = sender.refresh(&client).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
