//! Snapshots, pruning and copies of a real chain: what is whole goes on with the same roots, what is not is named.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aula_consensus::snapshots::{Ask, SnapshotSource, Told};
use aula_home::running;
use aula_ledger::codec::Canonical;
use aula_ledger::state::StateReader;
use aula_ledger::tx::TransactionId;
use aula_ledger::types::Hash;
use aula_ledger::types::Height;
use aula_read::index::Index;
use aula_read::transactions;
use aula_web::http::{Network, Refused};

use super::serving::Serving;
use super::*;
use aula_kit::{DevChain, Tested, failed, round};
use aula_store::snapshots::{CHUNK_BYTES, Incoming, Kept, Manifest, chunk_name, install, verify};
use aula_store::{DbOptions, sha256};

/// A chain with a decided round, so that there are bulk trees, and the snapshot of its tip.
fn snapshotted() -> Result<(DevChain, Kept), Box<dyn std::error::Error>> {
    let chain = round::decided()?;
    let kept = snapshots::create(&chain.db.latest(), &chain.home.snapshots_dir())?;
    Ok((chain, kept))
}

fn all_rows(db: &ChainDb) -> Result<usize, Box<dyn std::error::Error>> {
    Ok(db.latest().values(b"")?.len())
}

#[test]
fn a_node_goes_on_from_a_snapshot_with_the_same_roots() -> Tested {
    let (mut chain, kept) = snapshotted()?;
    let tip = chain.db.latest().tip();
    assert_eq!(verify(&kept, &chain.genesis, None)?.tip(), tip);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("data");
    install(&kept, (&chain.genesis_bytes, &chain.genesis), None, &path, DbOptions::default())?;
    let db = ChainDb::open(&path, DbOptions::default())?;
    assert_eq!((db.latest().tip(), db.latest().oldest()?), (tip, tip.height.next()));
    assert_eq!(all_rows(&db)?, all_rows(&chain.db)?);
    assert_eq!(snapshots::check_view(&db.latest(), &chain.genesis)?, tip);
    for number in 0..3 {
        let more = [chain.proposal(10_000 + number)];
        chain.block(&more).map_err(failed)?;
        chain.block_on(&db, &more).map_err(failed)?;
    }
    // A header holds every root, so equal tips are equal states.
    assert_eq!(db.latest().tip(), chain.db.latest().tip());
    let again = snapshots::create(&db.latest(), folder.path())?;
    let there = snapshots::create(&chain.db.latest(), &chain.home.snapshots_dir())?;
    assert_eq!(again.manifest, there.manifest, "all nodes make the same snapshot of one height");
    Ok(())
}

#[test]
fn what_was_never_fetched_is_said_to_be_elsewhere_and_the_rest_is_served() -> Tested {
    let (mut chain, kept) = snapshotted()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("data");
    install(&kept, (&chain.genesis_bytes, &chain.genesis), None, &path, DbOptions::default())?;
    let db = ChainDb::open(&path, DbOptions::default())?;
    let index = Index::new(db.read_index());
    assert_eq!(index.follow(&db.latest())?.transactions(), 0);
    let more = [chain.proposal(10_000)];
    chain.block_on(&db, &more).map_err(failed)?;
    let page = transactions::page(&db.latest(), &index, None, &[], 10)?;
    assert_eq!((page.count, page.transactions.len()), (1, 1));
    let blocks = aula_web::api::chain::page(&db.latest(), None, 100)?;
    assert_eq!((blocks.blocks.len(), blocks.next), (1, None));
    let why = aula_web::api::chain::no_block(&Alone, &db.latest(), 1)?;
    assert!(why.detail().hint.contains("archive"), "{why:?}");
    Ok(())
}

/// A node without peers.
struct Alone;

impl Network for Alone {
    fn submit(&self, _: Vec<u8>) -> Result<TransactionId, Refused> {
        Err(Refused { code: 1, message: "it takes nothing".into() })
    }
    fn is_pending(&self, _: &TransactionId) -> bool {
        false
    }
    fn waiting(&self) -> (usize, usize) {
        (0, 0)
    }
    fn peers(&self) -> usize {
        0
    }
    fn mode(&self) -> &'static str {
        "follower"
    }
}

/// The folder copied, for a test to spoil.
fn copied(kept: &Kept, into: &Path) -> Result<Kept, Box<dyn std::error::Error>> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(&kept.folder)? {
        let entry = entry?;
        fs::copy(entry.path(), into.join(entry.file_name()))?;
    }
    Ok(Kept { folder: into.to_owned(), manifest: kept.manifest.clone() })
}

#[test]
fn a_chunk_that_is_cut_changed_or_missing_is_named_and_nothing_is_made_of_it() -> Tested {
    let (chain, kept) = snapshotted()?;
    let folder = tempfile::tempdir()?;
    type Spoil = fn(&Path) -> std::io::Result<()>;
    let spoils: [(&str, Spoil); 3] = [
        ("was cut short", |path| {
            let bytes = fs::read(path)?;
            fs::write(path, &bytes[..bytes.len() - 1])
        }),
        ("was changed", |path| {
            let mut bytes = fs::read(path)?;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes)
        }),
        ("is missing", |path| fs::remove_file(path)),
    ];
    for (number, (why, spoil)) in spoils.into_iter().enumerate() {
        let kept = copied(&kept, &folder.path().join(number.to_string()))?;
        let last = kept.manifest.chunks.len() - 1;
        spoil(&kept.folder.join(chunk_name(last)))?;
        let refused = verify(&kept, &chain.genesis, None).err().ok_or("taken")?;
        assert!(refused.is_refusal());
        let told = refused.to_string();
        assert!(told.contains(&format!("chunk {last} ")) && told.contains(why), "{told}");
        let path = folder.path().join("data");
        let made = install(&kept, (&chain.genesis_bytes, &chain.genesis), None, &path, DbOptions::default());
        assert!(made.is_err() && !path.exists());
    }
    Ok(())
}

/// A snapshot whose chunks fit their manifest, of another state than the certified one.
fn forged(
    kept: &Kept,
    into: &Path,
    spoil: impl FnOnce(&mut Vec<u8>),
) -> Result<Kept, Box<dyn std::error::Error>> {
    let mut kept = copied(kept, into)?;
    let path = kept.folder.join(chunk_name(0));
    let mut bytes = fs::read(&path)?;
    spoil(&mut bytes);
    fs::write(&path, &bytes)?;
    kept.manifest.chunks[0] =
        snapshots::ChunkRef { sha256: sha256(&bytes), bytes: u32::try_from(bytes.len())? };
    Ok(kept)
}

#[test]
fn a_state_that_fits_its_manifest_and_not_the_certified_root_is_refused() -> Tested {
    let (chain, kept) = snapshotted()?;
    let folder = tempfile::tempdir()?;
    let refused = |kept: &Kept| -> Result<String, Box<dyn std::error::Error>> {
        Ok(verify(kept, &chain.genesis, None).err().ok_or("taken")?.to_string())
    };
    assert_eq!(kept.manifest.chunks.len(), 1, "this test spoils a state of one chunk");
    // The last byte of the last record: a row of a bulk tree.
    let row = forged(&kept, &folder.path().join("row"), |bytes| {
        *bytes.last_mut().unwrap() ^= 1;
    })?;
    assert!(refused(&row)?.contains("another root than its record says"), "{}", refused(&row)?);
    // A byte of the first record's value.
    let value = forged(&kept, &folder.path().join("value"), |bytes| {
        let key = u32::from_le_bytes(bytes[1..5].try_into().unwrap()) as usize;
        bytes[9 + key] ^= 1;
    })?;
    assert!(refused(&value)?.contains("another root than the certified header"), "{}", refused(&value)?);
    // A proof whose signature is wrong, and a manifest that names another root than its block has.
    let unsigned = copied(&kept, &folder.path().join("unsigned"))?;
    let path = unsigned.folder.join("chain");
    let mut bytes = fs::read(&path)?;
    *bytes.last_mut().ok_or("empty")? ^= 1;
    fs::write(path, bytes)?;
    assert!(refused(&unsigned)?.contains("not certified"), "{}", refused(&unsigned)?);
    let mut renamed = copied(&kept, &folder.path().join("renamed"))?;
    renamed.manifest.state_root.0[0] ^= 1;
    assert!(refused(&renamed)?.contains("another block"), "{}", refused(&renamed)?);
    let other = DevChain::new().map_err(failed)?;
    assert!(
        verify(&kept, &other.genesis, None).is_err_and(|error| error.to_string().contains("another chain"))
    );
    Ok(())
}

#[test]
fn chunks_come_in_any_order_and_a_lie_is_not_kept() -> Tested {
    let (chain, kept) = snapshotted()?;
    let folder = tempfile::tempdir()?;
    let incoming = Incoming::begin(folder.path(), kept.manifest.clone(), &kept.chain_bytes()?)?;
    let chunk = kept.chunk(0)?;
    assert!(!incoming.chunk(0, &chunk[1..])?, "cut");
    assert!(!incoming.chunk(1, &chunk)?, "a chunk that there is not");
    assert!(incoming.chunk(0, &chunk)?);
    let got = incoming.finish()?;
    assert_eq!(verify(&got, &chain.genesis, None)?.tip(), chain.db.latest().tip());
    Ok(())
}

#[test]
fn a_manifest_with_sizes_that_no_snapshot_has_is_refused() {
    let chunk = |bytes: usize| snapshots::ChunkRef { sha256: Hash::default(), bytes: bytes as u32 };
    let of = |chunks: Vec<snapshots::ChunkRef>| Manifest {
        genesis: Hash::default(),
        height: Height(1),
        block: Hash::default(),
        state_root: Hash::default(),
        records: 1,
        chunks,
    };
    for (chunks, whole) in [
        (vec![chunk(CHUNK_BYTES), chunk(1)], true),
        (vec![chunk(1), chunk(CHUNK_BYTES)], false),
        (vec![chunk(0)], false),
        (vec![chunk(CHUNK_BYTES + 1)], false),
    ] {
        assert_eq!(Manifest::parse(&of(chunks).to_canonical()).is_ok(), whole);
    }
}

#[test]
fn only_the_newest_snapshots_stay() -> Tested {
    let chain = DevChain::new().map_err(failed)?;
    let root = chain.home.snapshots_dir();
    assert!(
        snapshots::create(&chain.db.latest(), &root).is_err_and(|e| e.to_string().contains("no block yet"))
    );
    for _ in 0..3 {
        chain.block(&[]).map_err(failed)?;
        snapshots::create(&chain.db.latest(), &root)?;
    }
    assert_eq!(snapshots::prune_to(&root, 2)?, 1);
    let heights: Vec<u64> = snapshots::list(&root)?.iter().map(|one| one.manifest.height.0).collect();
    assert_eq!(heights, [2, 3]);
    Ok(())
}

#[test]
fn a_half_day_that_is_long_past_leaves_no_snapshot_while_its_blocks_are_fetched() -> Tested {
    let every = std::num::NonZeroU64::new(100).ok_or("none")?;
    let (hash, time_ms) = (Hash::default(), aula_ledger::types::TimeMs(1_000));
    let wanted = |height, now_ms| {
        interval::is_wanted(&aula_ledger::store::Tip { height: Height(height), hash, time_ms }, every, now_ms)
    };
    let old = time_ms.0 + newcomer::OLDEST_MS + 1;
    assert!(wanted(7, old - 1) && !wanted(7, old) && wanted(100, old));
    Ok(())
}

#[tokio::test]
async fn a_snapshot_whose_making_was_killed_is_gone_once_the_node_starts() -> Tested {
    let chain = DevChain::new().map_err(failed)?;
    let left = chain.home.snapshots_dir().join(".000000010000.making");
    fs::create_dir_all(&left)?;
    interval::start(&chain.db, &chain.home, &Config::default()).map_err(failed)?;
    assert!(!left.exists());
    Ok(())
}

#[test]
fn pruned_blocks_are_gone_with_their_indexes_and_the_state_stays() -> Tested {
    let mut chain = DevChain::new().map_err(failed)?;
    let index = Index::new(chain.db.read_index());
    for number in 0..1_200 {
        let transactions: Vec<_> =
            (number % 3 == 0).then(|| chain.proposal(5_000 + number)).into_iter().collect();
        chain.block(&transactions).map_err(failed)?;
    }
    let before = index.follow(&chain.db.latest())?.transactions();
    while index.height() < 1_200 {
        index.follow(&chain.db.latest())?;
    }
    let view = chain.db.latest();
    let first = view.block(Height(1))?.ok_or("no block")?;
    let id = aula_ledger::tx::transaction::id_of_bytes(&first.transactions[0]);
    let (hash, state) = (first.header.hash(), view.values(b"")?);
    assert!(view.locate(&id)?.is_some() && before > 0);
    drop(view);
    let pruned = chain.db.prune(Height(1_001))?;
    assert_eq!((pruned.oldest, pruned.blocks), (Height(1_001), 1_000));
    assert!(pruned.freed() > 0, "{pruned:?}");
    let view = chain.db.latest();
    assert_eq!(view.values(b"")?, state);
    assert!(view.locate(&id)?.is_none() && view.height_of(&hash)?.is_none());
    for table in [view.header(Height(1_000))?.is_some(), view.certificate(Height(1_000))?.is_some()] {
        assert!(!table);
    }
    assert!(view.block(Height(1_001))?.is_some() && view.receipts(Height(1_001))?.is_some());
    let (mut before, mut seen) = (None, 0);
    loop {
        let page = transactions::page(&view, &index, before, &[], 50)?;
        seen += page.transactions.len();
        assert_eq!(page.count, 400, "totals count the whole chain");
        let Some(next) = page.next else { break };
        before = Some(next);
    }
    // 1,003, 1,006 … 1,198, and up to two of the newest block below.
    assert!((66..=68).contains(&seen), "{seen}");
    chain.block(&[]).map_err(failed)?;
    assert_eq!(chain.db.prune(Height(1_001))?.blocks, 0, "nothing more to prune");
    drop((view, index));
    let all = chain.db.prune(Height(9_999))?;
    assert_eq!(all.oldest, Height(1_201), "the tip stays");
    let (home, folder) = chain.close();
    let db = ChainDb::open(&home.data_dir(), DbOptions::default())?;
    assert_eq!((db.latest().oldest()?, db.latest().tip().height), (Height(1_201), Height(1_201)));
    drop(folder);
    Ok(())
}

#[test]
fn an_archive_prunes_only_when_it_is_told_how_much_to_keep() -> Tested {
    let chain = DevChain::new().map_err(failed)?;
    let mut config = Config::default();
    let order = |keep, config: &Config| prune(&chain.db, &chain.home, config, keep);
    assert!(order(None, &config).is_err_and(|failure| failure.code == "archive"));
    assert!(order(Some(1), &config).is_err_and(|failure| failure.code == "range"));
    config.storage.history = History::Pruned;
    assert_eq!(order(None, &config).map_err(failed)?.blocks, 0);
    Ok(())
}

#[test]
fn blocks_after_a_kept_snapshot_stay_for_those_who_begin_with_it() -> Tested {
    let chain = DevChain::new().map_err(failed)?;
    let root = chain.home.snapshots_dir();
    let mut kept = None;
    for height in 1..=1_200 {
        chain.block(&[]).map_err(failed)?;
        if height == 150 {
            kept = Some(snapshots::create(&chain.db.latest(), &root)?);
        }
    }
    let kept = kept.ok_or("no snapshot")?;
    let config = Config::default();
    let order = |keep| prune(&chain.db, &chain.home, &config, Some(keep)).map_err(failed);
    let told = order(1_000)?;
    assert_eq!((told.blocks, told.oldest, told.for_snapshot), (0, Height(1), Some(Height(150))));
    let of = |tip, keep, config: &Config| -> Result<(u64, Option<u64>), Box<dyn std::error::Error>> {
        let found = Prunable::of(&chain.home, config, Height(tip), keep).map_err(failed)?;
        Ok((found.below.0, found.for_snapshot.map(|height| height.0)))
    };
    // A second one, of which the list alone is read.
    let second = root.join("000000005000");
    fs::create_dir(&second)?;
    let manifest = Manifest { height: Height(5_000), ..kept.manifest.clone() };
    fs::write(second.join("manifest"), manifest.to_canonical())?;
    assert_eq!(of(9_000, 1_000, &config)?, (1, Some(150)));
    let mut one = config.clone();
    one.storage.keep_snapshots = 1;
    assert_eq!(of(9_000, 1_000, &one)?, (4_001, Some(5_000)), "the first goes when the next is made");
    assert_eq!(of(9_000, 5_000, &one)?, (4_001, None), "as many are asked for");
    assert_eq!(of(9_000, 7_000, &one)?, (2_001, None));
    fs::remove_dir_all(&second)?;
    // As a running node that is set to keep a thousand.
    one.storage.history = History::Pruned;
    one.storage.keep_blocks = 1_000;
    let mut said = None;
    let mut look = || {
        interval::prune_surplus(&chain.db, &chain.home, &one, 10, &mut said);
        Ok::<_, Box<dyn std::error::Error>>((said, chain.db.latest().oldest()?))
    };
    assert_eq!(look()?, (Some(Height(150)), Height(1)), "it says for which snapshot");
    fs::remove_dir_all(&root)?;
    assert_eq!(look()?.1, Height(201));
    assert_eq!(order(1_000)?.for_snapshot, None);
    Ok(())
}

#[test]
fn a_node_that_makes_no_snapshots_keeps_no_blocks_for_one_and_offers_none_that_lacks_them() -> Tested {
    let chain = DevChain::new().map_err(failed)?;
    for height in 1..=1_200 {
        chain.block(&[]).map_err(failed)?;
        if height == 150 {
            snapshots::create(&chain.db.latest(), &chain.home.snapshots_dir())?;
        }
    }
    let serving = Serving::new(chain.home.clone(), Arc::downgrade(&chain.db));
    let offers = || matches!(serving.tell(&Ask::Newest { waypoint: None }), Told::Newest { .. });
    let mut config = Config::default();
    config.storage.snapshot_every = 0;
    assert!(offers());
    let told = prune(&chain.db, &chain.home, &config, Some(1_000)).map_err(failed)?;
    assert_eq!((told.oldest, told.for_snapshot), (Height(201), None));
    assert!(!offers(), "its next block is 151");
    snapshots::create(&chain.db.latest(), &chain.home.snapshots_dir())?;
    assert!(offers());
    Ok(())
}

fn every_file(below: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(below).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => every_file(&path),
            path => vec![path],
        })
        .collect()
}

#[test]
fn a_copy_of_a_running_node_is_restored_whole_or_not_at_all() -> Tested {
    let chain = round::decided()?;
    fs::write(chain.home.config_file(), "[log]\n")?;
    let into = chain.home.path().join("../copy");
    // As a running node: the database is held, the order comes by the socket.
    control::serve(&chain.db, &chain.home, &Config::default()).map_err(failed)?;
    let told = control::backup(&chain.home, into.clone()).map_err(failed)?;
    let tip = chain.db.latest().tip();
    assert_eq!(told.height, tip.height);
    chain.block(&[]).map_err(failed)?;
    assert!(control::backup(&chain.home, into.clone()).is_err_and(|f| f.code == "not_empty"));
    let names: Vec<_> = every_file(&into).iter().map(|path| path.display().to_string()).collect();
    assert!(!names.iter().any(|name| name.contains("sign_guard") || name.contains("keys/")), "{names:?}");

    let home = Home::at(chain.home.path().join("../restored"));
    let told = backup::restore(&into, &home).map_err(failed)?;
    assert_eq!((told.height, told.sign_guard), (tip.height, false));
    assert!(!home.consensus_dir().exists(), "no guard comes out of a copy");
    assert!(home.config_file().exists());
    let db = ChainDb::open(&home.data_dir(), DbOptions::default())?;
    assert_eq!(db.latest().tip(), tip);
    chain.block_on(&db, &[]).map_err(failed)?;
    assert_eq!(db.latest().tip(), chain.db.latest().tip(), "it goes on with the same roots");
    drop(db);
    assert!(backup::restore(&into, &home).is_err_and(|failure| failure.code == "present"));

    let other = Home::at(chain.home.path().join("../other"));
    let table = every_file(&into.join("database"))
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "sst"));
    let table = table.ok_or("no table")?;
    let whole = fs::read(&table)?;
    for spoil in ["flipped", "cut", "gone"] {
        let mut bytes = whole.clone();
        match spoil {
            "flipped" => bytes[whole.len() / 2] ^= 4,
            "cut" => bytes.truncate(whole.len() - 1),
            _ => {}
        }
        fs::remove_file(&table)?;
        if spoil != "gone" {
            fs::write(&table, &bytes)?;
        }
        let name = table.file_name().and_then(|name| name.to_str()).ok_or("no name")?;
        let refused = backup::restore(&into, &other).err().ok_or("taken")?;
        assert!(refused.code == "damaged_backup" && refused.message.contains(name), "{refused:?}");
        assert!(!other.data_dir().exists());
        fs::write(&table, &whole)?;
    }
    fs::write(into.join("database/more.sst"), b"x")?;
    assert!(backup::restore(&into, &other).is_err_and(|failure| failure.message.contains("more.sst")));
    Ok(())
}

#[test]
fn a_copy_whose_list_was_cut_or_never_ends_is_refused_with_the_next_step() -> Tested {
    let from = tempfile::tempdir()?;
    let home = Home::at(from.path().join("home"));
    let list = from.path().join("backup.json");
    fs::write(&list, br#"{"format":1,"files":["#)?;
    assert!(backup::restore(from.path(), &home).is_err_and(|failure| failure.code == "damaged_backup"));
    // It takes no place on the disk.
    fs::File::create(&list)?.set_len(256 << 20)?;
    let refused = backup::restore(from.path(), &home).err().ok_or("taken")?;
    assert!(
        refused.code == "no_backup" && refused.message.contains("more than 16777216 bytes"),
        "{refused:?}"
    );
    assert!(refused.hint.contains("aula node backup") && !home.path().exists());
    // Nobody ever writes into this one.
    fs::remove_file(&list)?;
    rustix::fs::mkfifoat(rustix::fs::CWD, &list, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    let refused = backup::restore(from.path(), &home).err().ok_or("taken")?;
    assert!(refused.code == "no_backup" && refused.message.contains("not a regular file"), "{refused:?}");
    Ok(())
}

#[test]
fn orders_pass_by_a_socket_whose_path_is_long_and_is_its_owners_alone() -> Tested {
    use std::os::unix::fs::PermissionsExt;
    let chain = DevChain::new().map_err(failed)?;
    chain.block(&[]).map_err(failed)?;
    let long = Home::at(chain.home.path().join("x".repeat(120)));
    fs::create_dir_all(long.path())?;
    assert!(!running::runs(&long).map_err(failed)?);
    control::serve(&chain.db, &long, &Config::default()).map_err(failed)?;
    assert!(running::runs(&long).map_err(failed)?, "it listens");
    assert_eq!(control::snapshot(&long).map_err(failed)?.height, Height(1));
    let mode = fs::metadata(long.control_socket())?.permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    Ok(())
}

/// What an idle block costs on disk, before and after pruning: the state must not grow with heights.
#[test]
fn an_idle_block_costs_nothing_once_it_is_pruned() -> Tested {
    const BLOCKS: u64 = 3_000;
    let chain = DevChain::new().map_err(failed)?;
    chain.block(&[]).map_err(failed)?;
    let base = chain.db.prune(Height(1))?.bytes_after;
    let nodes = |db: &ChainDb| all_rows(db);
    let records = nodes(&chain.db)?;
    for _ in 0..BLOCKS {
        chain.block(&[]).map_err(failed)?;
    }
    assert_eq!(nodes(&chain.db)?, records, "idle blocks leave no record");
    let pruned = chain.db.prune(Height(BLOCKS - 99))?;
    let each = |bytes: u64, blocks: u64| bytes.saturating_sub(base) as f64 / blocks as f64;
    let (before, after) = (each(pruned.bytes_before, BLOCKS), each(pruned.bytes_after, BLOCKS));
    println!(
        "measured: an idle block of one validator takes {before:.0} bytes, {after:.1} once all but 100 of 3,000 are pruned; a year of \
         31,536,000 takes {:.1} GB unpruned",
        before * 31.536e6 / 1e9
    );
    // Entries by hash go as their table is compacted anyway, and RocksDB's own logs stay.
    assert!(after < before / 2.0, "{before} {after}");
    Ok(())
}
