//! Newcomers among peers that are honest, lie, are silent or hold it up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use aula_consensus::snapshots::{Answer, SnapshotSource, Told};
use aula_ledger::codec::Canonical;
use libp2p_identity::Keypair;

use super::known::Refused;
use super::*;
use crate::upkeep::serving::Serving;
use aula_kit::{DevChain, Tested, failed, round};
use aula_store::sha256;
use aula_store::snapshots::{CHUNK_BYTES, ChunkRef, MAX_CHUNKS, Manifest};

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
    /// Answers nothing.
    Mute,
    /// Is busy every other time.
    Busy,
    /// Offers what is newer than everybody else's, and is busy whenever it is asked for it.
    NewerAndBusy,
    /// The same, and no answer ever comes.
    NewerAndStill,
    /// Offers a list of as many chunks as there may be, under the header of what is newer.
    NewerAndLarge,
}

struct Fakes {
    peers: BTreeMap<PeerId, Kind>,
    serving: Serving,
    asked: AtomicUsize,
    /// Who is being asked for the newest, and how many were at once.
    asking: AtomicUsize,
    most: AtomicUsize,
    /// Of whom chunks were asked.
    chunks_of: Mutex<Vec<Kind>>,
    /// What some alone offer.
    newer: Option<Serving>,
}

impl Fakes {
    fn of(chain: &DevChain, kinds: &[Kind]) -> Self {
        let peers = (0u8..).zip(kinds).map(|(number, kind)| (peer(number), *kind)).collect();
        let serving = Serving::new(chain.home.clone(), Arc::downgrade(&chain.db));
        let [asked, asking, most] = [0; 3].map(AtomicUsize::new);
        Self { peers, serving, asked, asking, most, chunks_of: Mutex::default(), newer: None }
    }

    /// Who of these peers is in a set.
    fn kinds<'a>(&self, of: impl IntoIterator<Item = &'a PeerId>) -> Vec<Kind> {
        of.into_iter().filter_map(|peer| self.peers.get(peer).copied()).collect()
    }

    fn chunks_of(&self) -> Vec<Kind> {
        std::mem::take(&mut *self.chunks_of.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn newer(&self, ask: &Ask, is_large: bool) -> Option<Told> {
        let Told::Newest { manifest, chain } = self.newer.as_ref()?.tell(ask) else { return None };
        let mut manifest = Manifest::parse(&manifest).ok()?;
        if is_large {
            let chunk = ChunkRef { sha256: manifest.block, bytes: u32::try_from(CHUNK_BYTES).ok()? };
            manifest.chunks = vec![chunk; MAX_CHUNKS];
        }
        Some(Told::Newest { manifest: manifest.to_canonical(), chain })
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

    async fn ask(&self, peer: PeerId, ask: Ask) -> Option<Answer> {
        self.told(peer, ask).await.map(Answer::from)
    }
}

impl Fakes {
    async fn told(&self, peer: PeerId, ask: Ask) -> Option<Told> {
        let count = self.asked.fetch_add(1, Ordering::Relaxed);
        let newest = usize::from(matches!(ask, Ask::Newest { .. }));
        let asking = self.asking.fetch_add(newest, Ordering::Relaxed) + newest;
        self.most.fetch_max(asking, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.asking.fetch_sub(newest, Ordering::Relaxed);
        let kind = *self.peers.get(&peer)?;
        if matches!(ask, Ask::Chunk { .. }) {
            self.chunks_of.lock().unwrap_or_else(PoisonError::into_inner).push(kind);
        }
        match (kind, &ask) {
            (Kind::NewerAndBusy | Kind::NewerAndStill, Ask::Newest { .. }) => return self.newer(&ask, false),
            (Kind::NewerAndLarge, Ask::Newest { .. }) => return self.newer(&ask, true),
            (Kind::NewerAndBusy, _) => return Some(Told::Busy),
            (Kind::Mute, _) => return None,
            (Kind::NewerAndStill | Kind::NewerAndLarge, _) => return std::future::pending().await,
            _ => {}
        }
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
        interval: LEAST_LEAD,
        patience: Patience { busy: Duration::from_millis(1), window: Duration::from_secs(1) },
    })
}

/// The same chain a block later, of which some peers alone have a snapshot.
struct WentOn {
    newcomer: Newcomer,
    fakes: Fakes,
    /// What everybody else offers.
    height: u64,
    _kept: (DevChain, tempfile::TempDir),
}

impl WentOn {
    fn with(kinds: &[Kind]) -> Result<Self, Box<dyn std::error::Error>> {
        let (chain, folder) = (world()?, tempfile::tempdir()?);
        let height = chain.db.latest().tip().height.0;
        chain.block(&[]).map_err(failed)?;
        let theirs = Home::at(folder.path().join("theirs"));
        snapshots::create(&chain.db.latest(), &theirs.snapshots_dir())?;
        let (newcomer, mut fakes) = (newcomer(&chain, &folder)?, Fakes::of(&chain, kinds));
        fakes.newer = Some(Serving::new(theirs, Arc::downgrade(&chain.db)));
        Ok(Self { newcomer, fakes, height, _kept: (chain, folder) })
    }

    /// The height that it comes to, after as many attempts as a machine may need that stands still for seconds.
    async fn comes_to(&self, known: &mut Known) -> Option<u64> {
        for _ in 0..20 {
            if let Some(verified) = self.newcomer.once(&self.fakes, known, 0).await {
                return Some(verified.tip().height.0);
            }
        }
        None
    }
}

/// Who is left as a liar, and whether there is a database of the chain's tip in the end.
async fn joined(kinds: &[Kind]) -> Result<(Vec<Kind>, bool), Box<dyn std::error::Error>> {
    let (chain, folder) = (world()?, tempfile::tempdir()?);
    let newcomer = newcomer(&chain, &folder)?;
    let fakes = Fakes::of(&chain, kinds);
    let mut known = Known::default();
    let found = newcomer.once(&fakes, &mut known, 0).await;
    let named = fakes.kinds(&known.liars);
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
async fn few_are_asked_at_once_what_they_offer_alike_is_kept_once_and_what_was_judged_is_remembered() -> Tested
{
    let (chain, folder) = (world()?, tempfile::tempdir()?);
    let (newcomer, fakes) = (newcomer(&chain, &folder)?, Fakes::of(&chain, &[Kind::Honest; 10]));
    let mut known = Known::default();
    let offered = offers::gather(&newcomer, &fakes, &mut known).await;
    assert_eq!((offered.len(), fakes.most.load(Ordering::Relaxed)), (10, offers::AT_ONCE));
    assert!(offered.iter().all(|offer| Arc::ptr_eq(&offer.chain, &offered[0].chain)));
    assert_eq!(known.judged.len(), 1);
    // Another finding in its place shows that it is not looked at again.
    known.judged.values_mut().for_each(|found| *found = Err(Refused::Unusable("as remembered".into())));
    assert!(offers::gather(&newcomer, &fakes, &mut known).await.is_empty());
    assert!(known.liars.is_empty() && known.judged.len() == 1);
    known.judged.clear();
    assert_eq!(offers::gather(&newcomer, &fakes, &mut known).await.len(), 10);
    Ok(())
}

#[tokio::test]
async fn what_one_peer_offers_alone_is_not_waited_for_where_most_offer_something_as_good() -> Tested {
    let world = WentOn::with(&[Kind::NewerAndStill, Kind::Honest, Kind::Honest])?;
    assert_eq!(world.comes_to(&mut Known::default()).await, Some(world.height));
    assert!(!world.fakes.chunks_of().contains(&Kind::NewerAndStill));
    Ok(())
}

#[tokio::test]
async fn a_peer_that_is_always_busy_or_never_answers_is_named_and_another_is_asked() -> Tested {
    for kind in [Kind::NewerAndBusy, Kind::NewerAndStill] {
        let world = WentOn::with(&[kind, Kind::Honest])?;
        let mut known = Known::default();
        assert_eq!(world.comes_to(&mut known).await, Some(world.height));
        let asked = world.fakes.chunks_of();
        assert_eq!(asked.first(), Some(&kind), "as many offer each: the newer goes first");
        assert!(known.liars.is_empty(), "it did not lie");
        assert!(world.fakes.kinds(&known.slow).contains(&kind));
    }
    Ok(())
}

/// What an answer comes to at a moment.
fn judge(newcomer: &Newcomer, manifest: &[u8], chain: &[u8], now_ms: u64) -> Result<Manifest, Refused> {
    let time_ms = offers::certified(&newcomer.genesis, newcomer.trusted, manifest, chain)?;
    offers::recent(newcomer.trusted, manifest, time_ms, now_ms)
}

/// An offer whose header is believed.
fn believed() -> Result<Offer, Box<dyn std::error::Error>> {
    let (chain, folder) = (world()?, tempfile::tempdir()?);
    let newcomer = newcomer(&chain, &folder)?;
    let serving = Serving::new(chain.home.clone(), Arc::downgrade(&chain.db));
    let waypoint = newcomer.trusted.map(|trusted| trusted.height);
    let Told::Newest { manifest, chain } = serving.tell(&Ask::Newest { waypoint }) else {
        return Err("no offer".into());
    };
    let manifest = judge(&newcomer, &manifest, &chain, 0).map_err(|refused| format!("{refused:?}"))?;
    Ok(Offer { peer: peer(0), manifest, chain: Arc::new(chain) })
}

/// Of each height one with so many chunks, by the peer of a number.
fn offers(believed: &Offer, of: &[(u64, usize, u8)]) -> Vec<Offer> {
    let offer = |(height, chunks, number): &(u64, usize, u8)| {
        let mut offer = Offer { peer: peer(*number), ..believed.clone() };
        let manifest = &mut offer.manifest;
        manifest.height.0 = *height;
        let chunk = ChunkRef { sha256: manifest.block, bytes: CHUNK_BYTES as u32 };
        manifest.chunks = vec![chunk; *chunks];
        offer
    };
    of.iter().map(offer).collect()
}

#[test]
fn most_offerers_go_first_within_an_interval_and_the_newest_beyond_it() -> Tested {
    let believed = believed()?;
    let order = |of: &[(u64, usize, u8)], slow: &[u8]| -> Vec<u64> {
        let mut known = Known::default();
        known.slow.extend(slow.iter().copied().map(peer));
        let groups = choice::ranked(offers(&believed, of), &known, 10_000);
        groups.iter().map(|group| group[0].height()).collect()
    };
    let near = [(20_003, 1, 0), (10_000, 1, 1), (10_000, 1, 2), (20_000, 1, 3)];
    assert_eq!(order(&near, &[]), [10_000, 20_003, 20_000]);
    assert_eq!(order(&near, &[1, 2]), [20_003, 20_000, 10_000]);
    let far = [(90_000, 1, 0), (10_000, 1, 1), (10_000, 1, 2), (20_000, 1, 3)];
    assert_eq!(order(&far, &[]), [90_000, 20_000, 10_000]);
    Ok(())
}

#[test]
fn a_list_of_many_times_the_others_bytes_or_of_more_than_the_disk_has_room_for_is_left() -> Tested {
    let believed = believed()?;
    let left = |of: &[(u64, usize, u8)], free: u64| -> Vec<u64> {
        let taken = choice::of_a_size(offers(&believed, of), &mut Known::default(), free);
        let taken: Vec<u64> = taken.iter().map(Offer::height).collect();
        of.iter().map(|(height, ..)| *height).filter(|height| !taken.contains(height)).collect()
    };
    let (large, modest) = ((9, MAX_CHUNKS, 0), (8, 1_000, 1));
    let alike = [large, modest, (1, 20, 2), (2, 20, 3), (3, 30, 4)];
    assert_eq!(left(&alike, u64::MAX), [9], "so much as a gibibyte may always be");
    assert_eq!(left(&alike, 1 << 30), [9, 8], "a quarter of the free bytes");
    let grown = [(1, 2_000, 0), (2, 2_000, 1), (3, 7_000, 2), (4, 9_000, 3), (5, 2_000, 4)];
    assert_eq!(left(&grown, u64::MAX), [4]);
    assert!(left(&[large, (1, 20, 1)], u64::MAX).is_empty(), "of two nothing says which is right");
    Ok(())
}

#[tokio::test]
async fn a_list_that_is_far_larger_than_the_others_is_not_even_begun() -> Tested {
    let world =
        WentOn::with(&[Kind::NewerAndLarge, Kind::NewerAndLarge, Kind::Honest, Kind::Silent, Kind::Busy])?;
    // Those that offer what all do are slow, so that the large one would be first.
    let mut known = Known::default();
    known.slow.extend((2..5).map(peer));
    assert_eq!(world.comes_to(&mut known).await, Some(world.height));
    assert!(!world.fakes.chunks_of().contains(&Kind::NewerAndLarge));
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

#[tokio::test]
async fn what_this_machine_cannot_do_makes_no_peer_a_liar_and_what_was_fetched_is_used_again() -> Tested {
    let (chain, folder) = (world()?, tempfile::tempdir()?);
    let newcomer = newcomer(&chain, &folder)?;
    let fakes = Fakes::of(&chain, &[Kind::Honest, Kind::Honest]);
    // Where the lock of the new database belongs stands a folder.
    let in_the_way = newcomer.home.path().join("..data.of-snapshot.lock");
    std::fs::create_dir(&in_the_way)?;
    let mut known = Known::default();
    assert!(newcomer.once(&fakes, &mut known, 0).await.is_none());
    assert!(known.at_fault && known.liars.is_empty() && known.slow.is_empty(), "{known:?}");
    assert!(!fakes.chunks_of().is_empty());
    std::fs::remove_dir(&in_the_way)?;
    assert!(newcomer.once(&fakes, &mut known, 0).await.is_some());
    assert!(fakes.chunks_of().is_empty(), "nothing is fetched twice");
    // The chunks were right when they came: what was spoilt since is nobody's lie.
    let kept = snapshots::newest(&newcomer.home.snapshots_dir())?.ok_or("no snapshot")?;
    std::fs::write(kept.folder.join(snapshots::chunk_name(0)), b"spoilt")?;
    assert!(newcomer.once(&fakes, &mut known, 0).await.is_none());
    assert!(known.liars.is_empty() && !kept.folder.exists());
    assert!(newcomer.once(&fakes, &mut known, 0).await.is_some(), "it is fetched again");
    Ok(())
}

#[test]
fn why_an_offer_is_not_used_is_said_once_an_offer() {
    let mut known = Known::default();
    let (one, other) = (sha256(b"one"), sha256(b"other"));
    assert!(known.is_new(peer(0), one) && known.is_new(peer(1), one) && !known.is_new(peer(0), one));
    assert!(known.is_new(peer(0), other) && !known.is_new(peer(0), other));
}

#[test]
fn a_snapshot_above_this_nodes_chain_is_not_offered_to_others() -> Tested {
    let (chain, behind) = (world()?, DevChain::new().map_err(failed)?);
    let of = |db: &Arc<ChainDb>| {
        Serving::new(chain.home.clone(), Arc::downgrade(db)).tell(&Ask::Newest { waypoint: None })
    };
    assert!(matches!(of(&chain.db), Told::Newest { .. }));
    assert_eq!(of(&behind.db), Told::None);
    Ok(())
}

#[test]
fn fewer_peers_are_asked_at_once_where_one_does_not_answer_and_more_again_where_all_do() {
    let mut known = Known::default();
    assert_eq!(known.at_once(offers::AT_ONCE), 4);
    let mut after = |everybody| {
        known.heard(everybody);
        known.at_once(offers::AT_ONCE)
    };
    assert_eq!([false; 5].map(&mut after), [2, 1, 1, 1, 1]);
    assert_eq!([true; 4].map(&mut after), [1, 2, 4, 4]);
}

#[tokio::test]
async fn who_answers_in_a_word_does_not_have_many_asked_at_once_whose_answers_do_not_come() -> Tested {
    let (chain, folder) = (world()?, tempfile::tempdir()?);
    let kinds = [Kind::Mute, Kind::Honest, Kind::Honest, Kind::Honest];
    let (newcomer, fakes) = (newcomer(&chain, &folder)?, Fakes::of(&chain, &kinds));
    let mut known = Known::default();
    assert_eq!(offers::gather(&newcomer, &fakes, &mut known).await.len(), 3);
    assert_eq!(known.at_once(offers::AT_ONCE), offers::AT_ONCE / 2);
    Ok(())
}
