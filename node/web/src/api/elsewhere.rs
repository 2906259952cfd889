//! Where history is that this node does not keep: which nodes of the consortium say that they have it, by the names that the
//! ledger knows them by and the addresses at which their peers reach them. It is their word; what they serve proves itself.

use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Peer};
use aula_store::ChainView;

use crate::http::{Keeper, Network};

/// Most nodes that are named.
const MOST: usize = 5;

/// Who may have the block of a height that this node does not keep, as a sentence.
///
/// # Errors
/// When the database fails.
pub(super) fn older(network: &dyn Network, view: &ChainView, wanted: u64) -> Result<String, StoreError> {
    let (oldest, keepers) = (view.oldest()?.0, network.keepers());
    let said = |peer: &Peer| keepers.iter().find(|keeper| keeper.peer == peer.peer_id.as_str());
    let peers = schema::peers(view)?;
    let have = |peer: &Peer| said(peer).is_some_and(|keeper| keeper.has(wanted));
    let having: Vec<&Peer> = peers.iter().filter(|peer| have(peer)).take(MOST).collect();
    if !having.is_empty() {
        let names = names(view, &having)?;
        return Ok(format!(
            "this node keeps blocks from {oldest} on. Block {wanted} is kept, as they say themselves, by {names}: ask the API of one of \
             them"
        ));
    }
    let untold: Vec<&Peer> = peers.iter().filter(|peer| said(peer).is_none()).take(MOST).collect();
    let others = match untold.is_empty() {
        true => String::new(),
        false => format!("; not heard of now: {}", names(view, &untold)?),
    };
    Ok(format!(
        "this node keeps blocks from {oldest} on, and no node that it is connected to says that it has block {wanted}: ask one of the \
         consortium that keeps all of them ([storage] history = \"archive\" in its config.toml){others}"
    ))
}

impl Keeper {
    /// Whether it says that it has this block.
    fn has(&self, height: u64) -> bool {
        (self.oldest..=self.newest).contains(&height)
    }
}

/// Each node by its operator's name and its address.
fn names(view: &ChainView, peers: &[&Peer]) -> Result<String, StoreError> {
    let name = |peer: &&Peer| {
        let operator = schema::member(view, &peer.operator)?;
        let operator = operator.map_or_else(|| peer.operator.to_string(), |member| member.name.to_string());
        Ok::<_, StoreError>(format!("{operator} ({})", peer.listen))
    };
    Ok(peers.iter().map(name).collect::<Result<Vec<_>, _>>()?.join(", "))
}
