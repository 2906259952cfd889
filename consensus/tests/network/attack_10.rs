//! Strangers open connections to every port of every node and say nothing. A restarted validator used to stay without a
//! peer for as long as they liked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use libp2p::multiaddr::Protocol;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use crate::common::{Network, counting, set_of};

const SECONDS_60: Duration = Duration::from_secs(60);
const ALL: [usize; 4] = [0, 1, 2, 3];
/// Idle connections to each port, from addresses of which none is a peer's.
const EACH: u8 = 60;

/// One that connects, says nothing until it is sent away, and connects again.
async fn idle(from: [u8; 4], to: SocketAddr) {
    loop {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        if let Ok(stream) = socket.connect(to).await {
            // An error is the end of it as well.
            let _ = stream.readable().await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn crowd(network: &Network) -> Vec<JoinHandle<()>> {
    let ports = network.nodes.iter().flat_map(|node| {
        let port = node.listen.iter().find_map(|part| match part {
            Protocol::Tcp(port) => Some(port),
            _ => None,
        });
        [port.unwrap(), port.unwrap() + 1]
    });
    let to = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    ports
        .flat_map(|port| (0..EACH).map(move |n| tokio::spawn(idle([127, 0, 7, 1 + n % 20], to(port)))))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_10_a_restarted_validator_finds_its_peers_past_a_crowd() {
    let (mut network, _) = counting(4, BTreeMap::from([(0, set_of(&ALL.map(|n| n as u8)))]));
    for n in ALL {
        network.start(n).await;
    }
    network.reach(&ALL, 2, SECONDS_60).await;
    network.stop(3).await;
    let crowd = crowd(&network);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let begun = Instant::now();
    network.start(3).await;
    network.connected(3, 3).await;
    let connected = begun.elapsed();
    let tip = network.height(0);
    network.reach(&[3], tip, SECONDS_60).await;
    println!(
        "attack 10: a validator restarted before {} idle strangers has 3 peers after {connected:?}",
        crowd.len()
    );
    assert!(connected < Duration::from_secs(20), "{connected:?}");
    // It is heard too: without it and another one nothing is decided.
    network.stop(0).await;
    let at = network.height(1);
    network.reach(&[1, 2, 3], at + 2, SECONDS_60).await;
    crowd.iter().for_each(JoinHandle::abort);
    network.check(|_| set_of(&ALL.map(|n| n as u8)));
    network.stop_all().await;
}
