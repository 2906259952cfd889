//! A home that was restored from a copy: everything in it is whole, and old.

use std::time::Duration;

use aula_consensus::Mode;
use aula_consensus::sign_guard::{Opened, SignGuard};

use crate::common::{Network, four};

const SECONDS_60: Duration = Duration::from_secs(60);

/// What a copy of node `n`'s home holds.
struct Copy {
    store: std::sync::Arc<crate::common::MemoryStore>,
    guard: Vec<u8>,
    wal: Vec<u8>,
}

fn copy_of(network: &Network, n: usize) -> Copy {
    let node = &network.nodes[n];
    let read = |name| std::fs::read(node.folder.join(name)).unwrap();
    Copy { store: node.store.in_memory().copy(), guard: read("guard"), wal: read("wal") }
}

fn restore(network: &mut Network, n: usize, copy: &Copy) {
    let node = &mut network.nodes[n];
    node.store = copy.store.copy();
    std::fs::write(node.folder.join("guard"), &copy.guard).unwrap();
    std::fs::write(node.folder.join("wal"), &copy.wal).unwrap();
}

fn last_signed(network: &Network, n: usize) -> u64 {
    match SignGuard::open(&network.nodes[n].folder.join("guard")).unwrap() {
        Opened::Ready(guard) => guard.last_height(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_home_with_an_old_guard_signs_nothing_that_it_may_have_signed_before() {
    let mut network = four().await;
    network.reach(&[0, 1, 2, 3], 3, SECONDS_60).await;
    network.stop(3).await;
    let copy = copy_of(&network, 3);
    let old = last_signed(&network, 3);
    network.start(3).await;
    network.reach(&[3], old + 6, SECONDS_60).await;
    let forgotten = network.height(3);
    network.stop_all().await;
    assert!(last_signed(&network, 3) >= forgotten, "it signed on");

    // Alone it hears nobody: it follows, says why, and signs nothing.
    restore(&mut network, 3, &copy);
    network.start(3).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let status = network.running(3).status();
    assert!(matches!(status.mode, Mode::Follower { .. }), "{status:?}");
    assert!(
        status.attention.as_deref().is_some_and(|text| text.contains("have not said how far")),
        "{status:?}"
    );
    assert_eq!(last_signed(&network, 3), old);

    // With the others it is silent until the first height is final that it cannot have signed, then votes again.
    for n in 0..3 {
        network.start(n).await;
    }
    for _ in 0..1_200 {
        if network.running(3).status().mode == Mode::Validator {
            break;
        }
        assert_eq!(last_signed(&network, 3), old, "at height {}", network.height(3));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(network.running(3).status().mode, Mode::Validator);
    assert!(network.height(3) > forgotten, "{} after {forgotten}", network.height(3));
    let at = network.height(3);
    network.reach(&[0, 1, 2, 3], at + 3, SECONDS_60).await;
    assert!(last_signed(&network, 3) > forgotten);
    network.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_that_was_away_gives_a_standing_chain_its_quorum_back_by_itself() {
    let mut network = four().await;
    network.reach(&[0, 1, 2, 3], 2, SECONDS_60).await;
    network.stop(3).await;
    let away = network.height(3);
    network.reach(&[0, 1, 2], away + 3, SECONDS_60).await;
    network.stop(2).await;
    // Two of four: the chain stands still at a height that node 3's guard knows nothing of.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let stands = network.height(0).max(network.height(1));
    network.start(3).await;
    let took = network.reach(&[0, 1, 3], stands + 2, SECONDS_60).await;
    println!("two heights more {took:?} after the third of four was started");
    network.stop_all().await;
}
