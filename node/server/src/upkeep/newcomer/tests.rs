//! Newcomers among peers that are honest, lie or are silent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use aula_consensus::snapshots::{SnapshotSource, Told};
use aula_ledger::codec::Canonical;
use libp2p_identity::Keypair;

use super::offers::Refused;
use super::*;
use crate::upkeep::serving::Serving;
use aula_kit::{DevChain, Tested, failed, round};
use aula_store::sha256;
use aula_store::snapshots::Manifest;

/// How a peer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Honest,
    /// Sends chunks with a flipped bit.
    WrongChunks,
    /// Offers a state of its own under the certified header, with chunks that fit.
    OtherState,
    /// Offers a manifest whose header nobody signed.
    Unsigned,
    /// Offers, and answers nothing more.
    Silent,
    /// Is busy every other time.
    Busy,
}

struct Fakes {
    peers: BTreeMap<PeerId, Kind>,
    serving: Serving,
    asked: AtomicUsize,
}

impl Fakes {
    fn of(chain: &DevChain, kinds: &[Kind]) -> Self {
        let peers = (0u8..).zip(kinds).map(|(number, kind)| (peer(number), *kind)).collect();
        let serving = Serving::new(chain.home.clone(), Arc::downgrade(&chain.db));
        Self { peers, serving, asked: AtomicUsize::new(0) }
    }
}

fn peer(number: u8) -> PeerId {
    let key = Keypair::ed25519_from_bytes([number + 1; 32]);
    key.unwrap_or_else(|_| unreachable!("any 32 bytes are a key")).public().to_peer_id()
}

/// The last byte of the state changed: a row of a bulk tree, or a record.
fn other(mut chunk: Vec<u8>) -> Vec<u8> {
    if let Some(last) = chunk.last_mut() {
        *last ^= 1;
    }
    chunk
}

impl Peers for Fakes {
    async fn connected(&self) -> Vec<PeerId> {
        self.peers.keys().copied().collect()
    }

    async fn ask(&self, peer: PeerId, ask: Ask) -> Option<Told> {
        let count = self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let kind = *self.peers.get(&peer)?;
        if kind == Kind::OtherState {
            return Some(self.other_state(&ask));
        }
        let told = self.serving.tell(&ask);
        Some(match (kind, told) {
            (Kind::WrongChunks, Told::Chunk(chunk)) => Told::Chunk(other(chunk)),
            (Kind::Unsigned, Told::Newest { manifest, mut chain }) => {
                *chain.last_mut()? ^= 1;
                Told::Newest { manifest, chain }
            }
            (Kind::Silent, Told::Chunk(_)) => return None,
            (Kind::Busy, Told::Chunk(_)) if count.is_multiple_of(2) => Told::Busy,
            (_, told) => told,
        })
    }
}

impl Fakes {
    fn other_state(&self, ask: &Ask) -> Told {
        let Told::Newest { manifest, chain } = self.serving.tell(&Ask::Newest { waypoint: waypoint(ask) })
        else {
            return Told::None;
        };
        let Ok(mut manifest) = Manifest::parse(&manifest) else { return Told::None };
        let (name, last) = (manifest.name(), manifest.chunks.len() - 1);
        let honest = |index| match self.serving.tell(&Ask::Chunk { manifest: name, index }) {
            Told::Chunk(chunk) => chunk,
            _ => Vec::new(),
        };
        match ask {
            Ask::Newest { .. } => {
                manifest.chunks[last].sha256 = sha256(&other(honest(last as u32)));
                Told::Newest { manifest: manifest.to_canonical(), chain }
            }
            Ask::Chunk { index, .. } if *index as usize == last => Told::Chunk(other(honest(*index))),
            Ask::Chunk { index, .. } => Told::Chunk(honest(*index)),
            Ask::Facts { .. } => Told::None,
        }
    }
}

fn waypoint(ask: &Ask) -> Option<aula_ledger::types::Height> {
    match ask {
        Ask::Newest { waypoint } => *waypoint,
        Ask::Chunk { .. } | Ask::Facts { .. } => Some(aula_ledger::types::Height(7)),
    }
}

/// A chain that is long enough to be worth a snapshot, and the snapshot of its tip; its blocks lie in 1970.
fn world() -> Result<DevChain, Box<dyn std::error::Error>> {
    let chain = round::decided()?;
    while chain.db.latest().tip().height.0 < LEAST_LEAD + 20 {
        chain.block(&[]).map_err(failed)?;
    }
    snapshots::create(&chain.db.latest(), &chain.home.snapshots_dir())?;
    Ok(chain)
}

fn newcomer(chain: &DevChain, folder: &tempfile::TempDir) -> Result<Newcomer, Box<dyn std::error::Error>> {
    let home = Home::at(folder.path().join("newcomer"));
    std::fs::create_dir_all(home.path())?;
    let seventh = chain.db.latest().header(aula_ledger::types::Height(7))?.ok_or("no block 7")?;
    Ok(Newcomer {
        home,
        genesis_bytes: chain.genesis_bytes.clone(),
        genesis: chain.genesis.clone(),
        trusted: Some(TrustedBlock { height: seventh.height, hash: seventh.hash() }),
        options: DbOptions::default(),
    })
}

/// Who is left as a liar, and whether there is a database of the chain's tip in the end.
async fn joined(kinds: &[Kind]) -> Result<(Vec<Kind>, bool), Box<dyn std::error::Error>> {
    let (chain, folder) = (world()?, tempfile::tempdir()?);
    let newcomer = newcomer(&chain, &folder)?;
    let fakes = Fakes::of(&chain, kinds);
    let mut liars = BTreeSet::new();
    let found = newcomer.once(&fakes, &mut liars, 0).await;
    let named = liars.iter().filter_map(|peer| fakes.peers.get(peer).copied()).collect();
    if found.is_none() {
        assert!(!swap::take_in(&newcomer.home)?, "nothing that was refused is taken in");
        return Ok((named, false));
    }
    assert!(swap::take_in(&newcomer.home)?);
    let db = ChainDb::open(&newcomer.home.data_dir(), DbOptions::default())?;
    assert_eq!(db.latest().tip(), chain.db.latest().tip());
    chain.block(&[]).map_err(failed)?;
    chain.block_on(&db, &[]).map_err(failed)?;
    assert_eq!(db.latest().tip(), chain.db.latest().tip());
    Ok((named, true))
}

#[tokio::test]
async fn a_peer_that_sends_wrong_chunks_is_named_and_the_others_give_the_rest() -> Tested {
    let (liars, level) = joined(&[Kind::WrongChunks, Kind::Honest, Kind::Busy]).await?;
    assert!(level);
    // With one chunk in all it may never have been asked.
    assert!(liars.is_empty() || liars == [Kind::WrongChunks], "{liars:?}");
    assert_eq!(joined(&[Kind::WrongChunks]).await?, (vec![Kind::WrongChunks], false));
    Ok(())
}

#[tokio::test]
async fn a_majority_that_offers_another_state_is_found_out_by_the_certified_root() -> Tested {
    let (liars, level) = joined(&[Kind::OtherState, Kind::OtherState, Kind::Honest]).await?;
    assert_eq!((liars.as_slice(), level), (&[Kind::OtherState, Kind::OtherState][..], true));
    Ok(())
}

#[tokio::test]
async fn a_header_that_nobody_signed_is_a_lie_and_silence_is_none() -> Tested {
    let (liars, level) = joined(&[Kind::Unsigned, Kind::Silent, Kind::Honest]).await?;
    assert_eq!((liars.as_slice(), level), (&[Kind::Unsigned][..], true));
    assert_eq!(joined(&[Kind::Silent]).await?, (Vec::new(), false));
    Ok(())
}

#[tokio::test]
async fn an_old_tip_needs_a_trusted_block_and_another_block_there_is_a_lie() -> Tested {
    let (chain, folder) = (world()?, tempfile::tempdir()?);
    let mut newcomer = newcomer(&chain, &folder)?;
    let kept = snapshots::newest(&chain.home.snapshots_dir())?.ok_or("no snapshot")?;
    let (manifest, plain) = (kept.manifest.to_canonical(), kept.chain_bytes()?);
    let time = chain.db.latest().tip().time_ms.0;
    let told = |newcomer: &Newcomer, chain: &[u8], now| judge(newcomer, &manifest, chain, now).err();
    // The plain proof shows no block 7.
    assert!(matches!(told(&newcomer, &plain, time), Some(Refused::Unusable(_))));
    let waypoint = Some(aula_ledger::types::Height(7));
    let serving = Serving::new(chain.home.clone(), Arc::downgrade(&chain.db));
    let Told::Newest { chain: showing, .. } = serving.tell(&Ask::Newest { waypoint }) else {
        return Err("no offer".into());
    };
    assert_eq!(told(&newcomer, &showing, u64::MAX), None, "however old");
    newcomer.trusted.as_mut().ok_or("none")?.hash.0[0] ^= 1;
    assert!(matches!(told(&newcomer, &showing, time), Some(Refused::Lie(_))));
    newcomer.trusted = None;
    let day = offers::OLDEST_MS;
    assert_eq!(told(&newcomer, &plain, time + day), None);
    let Some(Refused::Unusable(why)) = told(&newcomer, &plain, time + day + 1) else {
        return Err("an old tip is taken".into());
    };
    assert!(why.contains(&format!("{}:{}", kept.manifest.height, kept.manifest.block)), "{why}");
    Ok(())
}

#[test]
fn a_node_that_keeps_every_block_never_gives_one_up_for_a_snapshot() -> Tested {
    let chain = DevChain::new().map_err(failed)?;
    let mut config = Config::default();
    assert!(takes_part(&chain.db, &config), "it has none yet");
    chain.block(&[]).map_err(failed)?;
    assert!(!takes_part(&chain.db, &config));
    config.storage.history = History::Pruned;
    assert!(takes_part(&chain.db, &config));
    config.storage.begin_with = aula_home::config::BeginWith::Blocks;
    assert!(!takes_part(&chain.db, &config));
    Ok(())
}

#[test]
fn a_swap_that_was_broken_off_is_finished() -> Tested {
    let folder = tempfile::tempdir()?;
    let home = Home::at(folder.path().to_owned());
    let put = |path: &std::path::Path, text: &str| {
        std::fs::create_dir_all(path).and_then(|()| std::fs::write(path.join("what"), text))
    };
    for begun in [false, true] {
        put(&swap::beside(&home), "new")?;
        // Broken off after the present one was put aside, or before.
        put(&if begun { home.path().join(".data.before-snapshot") } else { home.data_dir() }, "old")?;
        if begun {
            std::fs::remove_dir_all(home.data_dir())?;
        }
        assert!(swap::take_in(&home)?);
        assert_eq!(std::fs::read_to_string(home.data_dir().join("what"))?, "new");
        assert_eq!(std::fs::read_dir(home.path())?.count(), 1, "nothing is left over");
        assert!(!swap::take_in(&home)?);
    }
    Ok(())
}
