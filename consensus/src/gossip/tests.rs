use super::*;

const CHAIN_ID: &str = "test-00000000";

fn keypair(seed: u8) -> Keypair {
    let mut bytes = [seed; 32];
    Keypair::ed25519_from_bytes(&mut bytes).unwrap()
}

fn free_address() -> Multiaddr {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
}

fn peer(seed: u8, listen: Option<&Multiaddr>) -> AdmittedPeer {
    AdmittedPeer { peer: keypair(seed).public().to_peer_id(), listen: listen.cloned() }
}

struct Node {
    gossip: Gossip,
    incoming: mpsc::Receiver<Vec<Vec<u8>>>,
}

fn node(seed: u8, listen: &Multiaddr, peers: Vec<AdmittedPeer>) -> Node {
    let (sender, incoming) = mpsc::channel(100);
    let config = GossipConfig { listen: listen.clone(), peers };
    let gossip = start(keypair(seed), CHAIN_ID, config, sender).unwrap();
    Node { gossip, incoming }
}

async fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..400 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the condition did not come true within 10 s");
}

fn peers(node: &Node) -> usize {
    node.gossip.counts().peers.load(Ordering::Relaxed)
}

/// Publishes until the other side has it: subscriptions need a moment after a connection, several seconds when it is
/// begun anew.
async fn arrives(from: &Node, to: &mut Node, mark: u8) -> Vec<Vec<u8>> {
    for round in 0..=u8::MAX {
        from.gossip.publish(Arc::new(vec![mark, round]));
        if let Ok(Some(batch)) = tokio::time::timeout(Duration::from_millis(100), to.incoming.recv()).await {
            return batch;
        }
    }
    panic!("no transaction arrived");
}

#[tokio::test]
async fn transactions_reach_an_allowed_peer_and_a_stranger_gets_nowhere() {
    let (a, b, c) = (free_address(), free_address(), free_address());
    let mut first = node(1, &a, vec![peer(2, Some(&b))]);
    let mut second = node(2, &b, vec![peer(1, Some(&a))]);
    // The stranger knows both; neither knows it.
    let mut stranger = node(3, &c, vec![peer(1, Some(&a)), peer(2, Some(&b))]);
    until(|| peers(&first) == 1 && peers(&second) == 1).await;
    assert_eq!(arrives(&first, &mut second, 7).await[0][0], 7);
    assert_eq!(arrives(&second, &mut first, 8).await[0][0], 8);
    for mark in 0..20 {
        stranger.gossip.publish(Arc::new(vec![99, mark]));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while let Ok(batch) = first.incoming.try_recv() {
        assert!(batch.iter().all(|t| t[0] != 99));
    }
    assert!(stranger.incoming.try_recv().is_err());
    assert_eq!((peers(&first), peers(&second)), (1, 1));
    // Admitted while running, it is heard; taken off, it is cut.
    first.gossip.set_peers(vec![peer(2, Some(&b)), peer(3, None)]).await;
    until(|| peers(&first) == 2).await;
    assert!(arrives(&stranger, &mut first, 42).await.iter().any(|t| t[0] == 42 || t[0] == 99));
    first.gossip.set_peers(vec![peer(2, Some(&b))]).await;
    until(|| peers(&first) == 1).await;
}

#[tokio::test]
async fn a_node_without_a_connection_to_the_sender_is_reached_through_another() {
    let (a, b, c) = (free_address(), free_address(), free_address());
    let first = node(4, &a, vec![peer(5, Some(&b))]);
    let middle = node(5, &b, vec![peer(4, Some(&a)), peer(6, Some(&c))]);
    let mut last = node(6, &c, vec![peer(5, Some(&b))]);
    until(|| peers(&first) == 1 && peers(&middle) == 2 && peers(&last) == 1).await;
    assert_eq!(arrives(&first, &mut last, 9).await[0][0], 9);
}

#[test]
fn gossip_listens_one_port_above_the_engine() {
    let engine: Multiaddr = "/ip4/10.0.0.1/tcp/4000".parse().unwrap();
    assert_eq!(gossip_address(&engine), "/ip4/10.0.0.1/tcp/4001".parse().ok());
    let with_id = engine.with(libp2p::multiaddr::Protocol::P2p(keypair(1).public().to_peer_id()));
    assert_eq!(gossip_address(&with_id), "/ip4/10.0.0.1/tcp/4001".parse().ok());
    assert_eq!(gossip_address(&"/ip4/10.0.0.1/udp/4000".parse().unwrap()), None);
    assert_eq!(gossip_address(&"/ip4/10.0.0.1/tcp/65535".parse().unwrap()), None);
}

#[tokio::test]
async fn a_node_that_is_back_before_its_old_connection_has_ended_is_heard() {
    let (a, b, c) = (free_address(), free_address(), free_address());
    let mut first = node(1, &a, vec![peer(2, None)]);
    // The same identity twice: to the first node, the second one's earlier connection.
    let mut ghost = node(2, &c, vec![peer(1, Some(&a))]);
    arrives(&ghost, &mut first, 1).await;
    arrives(&first, &mut ghost, 2).await;
    let second = node(2, &b, vec![peer(1, Some(&a))]);
    until(|| peers(&second) == 1).await;
    ghost.gossip.stop();
    let batch = arrives(&second, &mut first, 3).await;
    assert_eq!(batch[0][0], 3);
}

#[tokio::test]
async fn connections_that_are_of_no_use_any_more_are_begun_anew() {
    let (a, b) = (free_address(), free_address());
    let mut first = node(41, &a, vec![peer(42, Some(&b))]);
    let second = node(42, &b, vec![peer(41, Some(&a))]);
    arrives(&second, &mut first, 1).await;
    let listeners = first.gossip.listeners();
    let before = *listeners.borrow();
    first.gossip.reconnect(keypair(42).public().to_peer_id()).await;
    until(|| *listeners.borrow() > before).await;
}

/// A peer with other settings than ours, which keeps a mesh and asks to be in ours.
#[tokio::test]
async fn a_peer_that_grafts_itself_harms_nothing() {
    let address = free_address();
    let mut first = node(8, &address, vec![peer(9, None)]);
    let topic = topic_of(CHAIN_ID);
    let mut settings = without_a_mesh();
    settings.mesh_n_high(3).mesh_n(2).mesh_n_low(1).heartbeat_interval(Duration::from_millis(100));
    let mut grafting = build(keypair(9), CHAIN_ID, &settings, Door::new(Arc::default())).unwrap();
    grafting.behaviour_mut().allowed.allow_peer(keypair(8).public().to_peer_id());
    grafting.dial(address).unwrap();
    let (mut grafted_at, mut sent, mut heard) = (None, false, false);
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..1_200 {
        tokio::select! {
            event = grafting.select_next_some() => if let SwarmEvent::Behaviour(BehaviourEvent::Gossip(
                gossipsub::Event::Message { .. })) = event { heard = true },
            _ = tick.tick() => {}
        }
        if grafted_at.is_none() && grafting.behaviour().gossip.mesh_peers(&topic.hash()).next().is_some() {
            grafted_at = Some(tokio::time::Instant::now());
        }
        // A node looks after its mesh once a second: it has held this peer for two of its looks.
        if grafted_at.is_some_and(|at| at.elapsed() > Duration::from_millis(2_500)) && !sent {
            let message = message::encode(1, &[Arc::new(vec![7])]);
            sent = grafting.behaviour_mut().gossip.publish(topic.clone(), message).is_ok();
            first.gossip.publish(Arc::new(vec![1]));
        }
        if sent && heard {
            break;
        }
    }
    assert!(grafted_at.is_some(), "it never grafted itself");
    assert!(sent && heard, "sent {sent}, heard {heard}");
    let batch = tokio::time::timeout(Duration::from_secs(10), first.incoming.recv()).await.unwrap().unwrap();
    assert_eq!(batch, vec![vec![7]]);
}

/// 300 connections from one address that say nothing, renewed as they end, before a peer whose own address nobody knows
/// how to dial.
#[tokio::test]
async fn attack_10_idle_strangers_do_not_keep_a_peer_out() {
    let address = free_address();
    let first = node(10, &address, vec![peer(11, Some(&free_address()))]);
    let port = address.iter().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    let target = std::net::SocketAddr::from(([127, 0, 0, 1], port.unwrap()));
    let idle = move || async move {
        loop {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(([127, 0, 0, 66], 0).into()).unwrap();
            if let Ok(stream) = socket.connect(target).await {
                // Until the other side ends it.
                let _ = stream.readable().await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let crowd: Vec<_> = (0..300).map(|_| tokio::spawn(idle())).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let begun = Instant::now();
    let second = node(11, &free_address(), vec![peer(10, Some(&address))]);
    until(|| peers(&first) == 1 && peers(&second) == 1).await;
    println!("attack 10: a peer connects to gossip past 300 idle strangers after {:?}", begun.elapsed());
    crowd.iter().for_each(tokio::task::JoinHandle::abort);
}

#[test]
fn attack_10_a_message_is_counted_before_there_is_room_for_it() {
    let message = |transactions: &[Vec<u8>]| borsh::to_vec(&transactions.to_vec()).unwrap();
    assert_eq!(batch_of(&message(&[vec![1], vec![2; 300]])), Some(vec![vec![1], vec![2; 300]]));
    let most = vec![vec![1]; MESSAGE_TRANSACTIONS];
    assert_eq!(batch_of(&message(&most)).map(|batch| batch.len()), Some(MESSAGE_TRANSACTIONS));
    let long = vec![7; MAX_TRANSACTION_BYTES as usize + 1];
    let garbage = [
        vec![],
        vec![1, 2, 3],
        message(&[]),
        message(&[vec![]]),
        message(&[vec![1], vec![]]),
        message(&vec![vec![]; 590_000]),
        message(&vec![vec![1]; MESSAGE_TRANSACTIONS + 1]),
        message(&[long]),
        [message(&[vec![1]]), vec![0]].concat(),
        vec![255; 1_000],
    ];
    for bytes in garbage {
        assert_eq!(batch_of(&bytes), None, "{} bytes", bytes.len());
    }
}

#[tokio::test]
async fn attack_10_garbage_costs_its_sender_the_connection_and_is_not_passed_on() {
    let (address, other) = (free_address(), free_address());
    let first = node(12, &address, vec![peer(13, None), peer(14, Some(&other))]);
    let mut second = node(14, &other, vec![peer(12, Some(&address))]);
    let topic = topic_of(CHAIN_ID);
    let mut hostile = build(keypair(13), CHAIN_ID, &without_a_mesh(), Door::new(Arc::default())).unwrap();
    hostile.behaviour_mut().allowed.allow_peer(keypair(12).public().to_peer_id());
    hostile.dial(address).unwrap();
    until(|| peers(&second) == 1).await;
    let (mut sent, mut ended) = (false, false);
    for _ in 0..400 {
        let event = tokio::time::timeout(Duration::from_millis(25), hostile.select_next_some()).await;
        ended |= matches!(event, Ok(SwarmEvent::ConnectionClosed { .. }));
        sent |= hostile.behaviour_mut().gossip.publish(topic.clone(), vec![0; 8]).is_ok();
        if sent && ended {
            break;
        }
    }
    assert!(sent && ended, "sent {sent}, ended {ended}");
    until(|| peers(&first) == 1).await;
    assert!(tokio::time::timeout(Duration::from_secs(2), second.incoming.recv()).await.is_err());
}

/// Counts what it is asked.
#[derive(Debug)]
struct Counting(AtomicUsize);

impl snapshots::SnapshotSource for Counting {
    fn tell(&self, ask: &Ask) -> snapshots::Told {
        self.0.fetch_add(1, Ordering::Relaxed);
        match ask {
            Ask::Newest { waypoint } => {
                snapshots::Told::Newest { manifest: vec![1; 40], chain: vec![u8::from(waypoint.is_some())] }
            }
            Ask::Chunk { index, .. } => snapshots::Told::Chunk(vec![7; *index as usize]),
            Ask::Facts { .. } => snapshots::Told::None,
        }
    }
}

#[tokio::test]
async fn a_peer_is_asked_for_its_snapshot_and_a_stranger_is_not_answered() {
    let (a, b, c) = (free_address(), free_address(), free_address());
    let serves = node(31, &a, vec![peer(32, Some(&b))]);
    let asks = node(32, &b, vec![peer(31, Some(&a))]);
    let stranger = node(33, &c, vec![peer(31, Some(&a))]);
    until(|| peers(&asks) > 0).await;
    let them = keypair(31).public().to_peer_id();
    assert_eq!(asks.gossip.connected().await, [them]);
    let newest = || Ask::Newest { waypoint: None };
    let asked = async |peer, ask| asks.gossip.ask(peer, ask).await.map(|answer| answer.told);
    assert_eq!(asked(them, newest()).await, Ok(snapshots::Told::None), "it has no source yet");
    let source = Arc::new(Counting(AtomicUsize::new(0)));
    serves.gossip.serve_snapshots(source.clone());
    let told = snapshots::Told::Newest { manifest: vec![1; 40], chain: vec![0] };
    assert_eq!(asked(them, newest()).await, Ok(told));
    let chunk = |bytes| Ask::Chunk { manifest: aula_ledger::types::Hash::default(), index: bytes };
    let got = asked(them, chunk(1 << 20)).await;
    assert!(got.is_ok_and(|told| matches!(told, snapshots::Told::Chunk(bytes) if bytes.len() == 1 << 20)));
    let longer = asked(them, chunk(3 << 20)).await;
    assert!(matches!(longer, Err(snapshots::AskError::Silent(_))), "no chunk is so long: {longer:?}");
    let count = source.0.load(Ordering::Relaxed);
    for _ in 0..5 {
        assert!(stranger.gossip.ask(them, newest()).await.is_err());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(source.0.load(Ordering::Relaxed), count);
    let nobody = keypair(34).public().to_peer_id();
    assert_eq!(asked(nobody, newest()).await, Err(snapshots::AskError::Gone));
}

/// Answers with a proof of so many bytes, whatever it is asked.
#[derive(Debug)]
struct Answering(usize);

impl snapshots::SnapshotSource for Answering {
    fn tell(&self, _: &Ask) -> snapshots::Told {
        snapshots::Told::Newest { manifest: Vec::new(), chain: vec![7; self.0] }
    }
}

#[tokio::test]
async fn hostile_peers_that_answer_with_much_at_once_leave_room_for_an_honest_answer() {
    const MUCH: usize = 46 << 20;
    const LITTLE: usize = 1 << 20;
    let address = free_address();
    let asks = node(51, &address, (52..55).map(|seed| peer(seed, None)).collect());
    let answering = |(seed, bytes): (u8, usize)| {
        let node = node(seed, &free_address(), vec![peer(51, Some(&address))]);
        node.gossip.serve_snapshots(Arc::new(Answering(bytes)));
        node
    };
    let nodes: Vec<Node> = (52..).zip([MUCH, MUCH, LITTLE]).map(answering).collect();
    until(|| peers(&asks) == nodes.len()).await;
    let ask = |seed| asks.gossip.ask(keypair(seed).public().to_peer_id(), Ask::Newest { waypoint: None });
    let answers = futures::future::join_all((52..55).map(ask)).await;
    let bytes = |answer: &snapshots::Answer| match &answer.told {
        snapshots::Told::Newest { chain, .. } => chain.len(),
        _ => 0,
    };
    let sizes: Vec<usize> = answers.iter().flatten().map(bytes).collect();
    // Each of the others would be taken where it is alone.
    assert!(sizes.contains(&LITTLE) && sizes.len() <= 2, "{sizes:?}");
}
