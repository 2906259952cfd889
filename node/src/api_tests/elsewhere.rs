//! A node that began with a snapshot: what came after it is proved from here, and of what came before it is said who has it.

use std::path::Path;

use aula_ledger::audit::{Options, Verdict, verify};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::state::schema;
use aula_ledger::tx::TakeRows;
use aula_store::solo::decide;
use aula_store::{ChainDb, DbOptions, open_or_create, snapshots};
use aula_web::http::Keeper;

use super::*;
use aula_kit::Made;
use aula_kit::round::{ROUND, accept};

/// A node whose peers say that they keep these blocks.
struct Hearing(Vec<Keeper>);

impl Network for Hearing {
    fn submit(&self, bytes: Vec<u8>) -> Result<TransactionId, Refused> {
        Ok(id_of_bytes(&bytes))
    }
    fn is_pending(&self, _: &TransactionId) -> bool {
        false
    }
    fn waiting(&self) -> (usize, usize) {
        (0, 0)
    }
    fn peers(&self) -> usize {
        self.0.len()
    }
    fn mode(&self) -> &'static str {
        "follower"
    }
    fn keepers(&self) -> Vec<Keeper> {
        self.0.clone()
    }
}

/// Decides a chain's blocks on another database, up to a height.
fn again(chain: &DevChain, db: &ChainDb, height: u64) -> Tested {
    let view = chain.db.latest();
    let keys = std::slice::from_ref(chain.validator_key());
    while db.latest().tip().height.0 < height {
        let block = view.block(db.latest().tip().height.next())?.ok_or("no block")?;
        decide(db, &chain.genesis.sha256, keys, block.header.time_ms, block.transactions, |_| {})?;
    }
    Ok(())
}

/// The chain as a node has it that began with a snapshot of this height.
fn began_at(chain: &DevChain, height: u64, folder: &Path) -> Made<Arc<ChainDb>> {
    let (genesis, options) = ((&chain.genesis_bytes[..], &chain.genesis), DbOptions::default());
    let before = open_or_create(&folder.join("before"), options, genesis.0, genesis.1)?;
    again(chain, &before, height)?;
    let kept = snapshots::create(&before.latest(), &folder.join("snapshots"))?;
    let path = folder.join("data");
    snapshots::install(&kept, genesis, None, &path, options)?;
    let db = ChainDb::open(&path, options)?;
    again(chain, &db, chain.db.latest().tip().height.0)?;
    assert_eq!(db.latest().tip(), chain.db.latest().tip());
    Ok(Arc::new(db))
}

/// The bundle of the round from a node that began at this height, where the one node of the ledger says it keeps blocks
/// from `oldest` on; or the refusal.
async fn round_of(height: u64, oldest: u64) -> Made<Result<(Vec<u8>, Vec<u8>), Failure>> {
    let mut chain = decided()?;
    accept(&mut chain, vec![TakeRows { round: ROUND }.into()])?;
    let folder = tempfile::tempdir()?;
    chain.db = began_at(&chain, height, folder.path())?;
    let peers = schema::peers(&*chain.db.latest())?;
    let newest = chain.db.latest().tip().height.0;
    let keeper = |peer: &schema::Peer| Keeper { peer: peer.peer_id.to_string(), oldest, newest };
    let heard = peers.iter().map(keeper).collect();
    let hearing = |node: &mut AppState, _: &DevChain| node.network = Arc::new(Hearing(heard));
    let s = serve(chain, |_| {}, hearing).await?;
    let (key, genesis) = (s.chain.account_key.clone(), s.chain.genesis.sha256);
    let auditor = s.client.signed_by(genesis, account_of(&public_key(&key)), key, Scope::Round(ROUND));
    let told = auditor.get_bytes("/v1/evidence/round/0").await.map_err(Failure::from);
    Ok(told.map(|bytes| (bytes, s.chain.genesis_bytes.clone())))
}

#[tokio::test]
async fn a_round_above_the_snapshot_is_proved_and_of_one_below_it_is_said_who_has_it() -> Tested {
    let chain = decided()?;
    let batches = schema::batch_heights(&*chain.db.latest(), ROUND)?;
    let first = batches.first().ok_or("no batch")?.0;
    drop(chain);

    let (bundle, genesis) = round_of(first - 1, 1).await?.map_err(failed)?;
    let report = verify(&bundle, &genesis, &Options::default());
    assert_eq!(report.verdict, Verdict::Valid, "{}", report.sentence);

    let refused = round_of(first, 1).await?.err().ok_or("a block is proved that is not here")?;
    assert_eq!(refused.code, "not_found");
    assert!(refused.message.contains(&format!("needs block {first}")), "{refused:?}");
    let named =
        format!("from {} on. Block {first} is kept, as they say themselves, by all (/ip4/", first + 1);
    assert!(refused.hint.contains(&named), "{refused:?}");

    let refused = round_of(first, first + 1).await?.err().ok_or("a block is proved that nobody has")?;
    let nobody = format!("no node that it is connected to says that it has block {first}");
    assert!(refused.hint.contains(&nobody) && refused.hint.contains("archive"), "{refused:?}");
    Ok(())
}
