//! `aula consortium anchor --of URL`: brings the newest certified head of another consortium to this ledger.
//!
//! Between the newest anchored head and the one that is brought, every block that changed the other's validators is brought
//! too, each as a transaction: the ledger checks each certificate by the validators that the one before announced.

use aula_api::paths;
use aula_client::Client;
use aula_ledger::audit::bundle::Link;
use aula_ledger::tx::{AnchorHead, TransactionId};
use aula_ledger::types::{Hash, Height};
use serde::Serialize;
use serde_json::json;

use crate::command::acting::ActingArgs;
use crate::command::evidence::bundle::read;
use crate::command::evidence::via::{bundle_of, newest};
use crate::command::{Context, Failure, Outcome};

/// A block of the other consortium that a transaction brought.
#[derive(Debug, Serialize)]
struct Anchored {
    height: Height,
    block_hash: Hash,
    id: TransactionId,
}

/// Anchors it, and says which blocks.
///
/// # Errors
/// When a node cannot be reached, the consortium is not admitted, or a node refuses.
pub(super) async fn run(context: &Context, acting: &ActingArgs, of: &str) -> Result<Outcome, Failure> {
    let other = Client::trusting(of, acting.rpc.ca.as_deref())?;
    let mut acting = acting.acting(context).await?;
    let genesis: Hash = other.status().await?.genesis_sha256;
    let above = newest(&read(&bundle_of(&acting.client, &genesis).await?)?).unwrap_or(Height::GENESIS);
    let heads = between(&other, above).await?;
    let mut anchored = Vec::new();
    for head in heads {
        let (height, block_hash) = (head.header.height, head.header.hash());
        let done = acting.send(head).await?;
        if !done.accepted() {
            return Ok(done.outcome(json!({}), String::new()));
        }
        anchored.push(Anchored { height, block_hash, id: done.id });
    }
    let text = match anchored.last() {
        Some(last) => format!("block {} of the consortium of genesis {genesis} is anchored", last.height),
        None => format!("block {above} of the consortium of genesis {genesis} is its newest, and anchored"),
    };
    Ok(Outcome::yes(json!({ "consortium": genesis, "anchored": anchored }), text))
}

/// The blocks to bring, ascending: those that change the validators, then the newest.
async fn between(other: &Client, above: Height) -> Result<Vec<AnchorHead>, Failure> {
    let bundle = read(&other.get_bytes(&paths::evidence_register("validators")).await?)?;
    let changes = bundle.chain.links.into_iter().filter(|link| link.new_set.is_some());
    let mut heads: Vec<AnchorHead> = changes.map(head).collect();
    let block = bundle.chain.head;
    // A newest block that changes the set is brought with the next one: its bundle does not show the new set.
    if block.header.next_validators_hash == block.header.validators_hash {
        heads.push(head(Link { block, new_set: None }));
    }
    heads.retain(|head| head.header.height > above);
    Ok(heads)
}

fn head(link: Link) -> AnchorHead {
    AnchorHead { header: link.block.header, certificate: link.block.certificate, new_set: link.new_set }
}
