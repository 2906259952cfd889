//! Who may connect, and who votes, while the chain runs.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::{counting, peer_id, set_of, transaction};

const SECONDS_60: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_gets_nowhere_and_once_admitted_it_follows_without_a_restart() {
    let (mut network, counter) = counting(4, BTreeMap::from([(0, set_of(&[0, 1, 2, 3]))]));
    for n in 0..4 {
        network.start(n).await;
    }
    network.reach(&[0, 1, 2, 3], 2, SECONDS_60).await;
    let stranger = network.add();
    network.start(stranger).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(network.height(stranger), 0, "a stranger was served");
    for n in 0..4 {
        let status = network.running(n).status();
        assert_eq!((status.peers, status.gossip_peers), (3, 3), "a stranger counts as a peer of node {n}");
    }
    // A vote admits it, without an address: it dials the others. The next block carries that.
    let admitted = aula_consensus::ports::AdmittedPeer { peer: peer_id(stranger as u8), listen: None };
    counter.admitted.lock().unwrap().push(admitted);
    network.send(0, &transaction(1, 0)).await;
    let tip = network.height(0);
    let took = network.reach(&[stranger], tip, SECONDS_60).await;
    println!("an admitted peer was level after {took:?}");
    // It is a peer of the validators, and none of them.
    network.connected(0, 4).await;
    assert_eq!(network.running(0).validators_connected().unwrap(), 3, "a follower counts as a validator");
    // What is submitted to a follower reaches the validators.
    network.send(stranger, &transaction(1, 1)).await;
    network.check(|_| set_of(&[0, 1, 2, 3]));
    network.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validators_change_while_one_is_down_and_a_late_node_syncs_across_the_changes() {
    // 4 enters and 0 leaves at height 6; at 9 the set of five; 3 is down all the time.
    let sets = BTreeMap::from([
        (0, set_of(&[0, 1, 2, 3])),
        (6, set_of(&[1, 2, 3, 4])),
        (9, set_of(&[0, 1, 2, 3, 4])),
    ]);
    let (mut network, counter) = counting(5, sets);
    for n in [0, 1, 2, 4] {
        network.start(n).await;
    }
    network.reach(&[0, 1, 2, 4], 12, SECONDS_60).await;
    network.start(3).await;
    let tip = network.height(0);
    let took = network.reach(&[3], tip, SECONDS_60).await;
    println!("a node that missed {tip} heights and two changes of validators was level after {took:?}");
    network.reach(&[0, 1, 2, 3, 4], tip + 2, SECONDS_60).await;
    network.check(|height| counter.set_at(height));
    network.stop_all().await;
}
