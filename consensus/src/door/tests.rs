use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn known(addresses: &[&str]) -> (Arc<Known>, Vec<PeerId>) {
    let (known, peers) =
        (Arc::new(Known::default()), addresses.iter().map(|_| PeerId::random()).collect::<Vec<_>>());
    let listen = |address: &&str| Some(format!("/ip4/{address}/tcp/1").parse().unwrap());
    known.set(peers.iter().copied().zip(addresses.iter().map(listen)));
    (known, peers)
}

fn told(place: &mut Place) -> bool {
    place.gives_way.try_recv() != Err(oneshot::error::TryRecvError::Empty)
}

#[test]
fn attack_10_a_stranger_has_four_places_and_its_oldest_gives_way() {
    let door = Door::new(known(&["10.0.0.1"]).0);
    let mut places: Vec<Place> = (0..100).map(|_| door.enter(ip("192.0.2.7"))).collect();
    assert_eq!(door.waiting(), FOREIGN_EACH);
    let stay: Vec<bool> = places.iter_mut().map(|place| !told(place)).collect();
    assert!(stay[..96].iter().all(|stay| !stay) && stay[96..].iter().all(|stay| *stay));
    drop(places);
    assert_eq!(door.waiting(), 0);
}

#[test]
fn attack_10_a_thousand_strangers_take_nothing_from_admitted_peers() {
    let door = Door::new(known(&["10.0.0.1", "10.0.0.2"]).0);
    let mut first = door.enter(ip("10.0.0.1"));
    let crowd: Vec<Place> = (0..1_000u32).map(|n| door.enter(IpAddr::V4((0xC633_6400 + n).into()))).collect();
    let mut second = door.enter(ip("10.0.0.2"));
    assert_eq!(door.waiting(), FOREIGN_ALL + 2);
    assert!(!told(&mut first) && !told(&mut second));
    assert_eq!(crowd.len(), 1_000);
}

#[test]
fn attack_10_whoever_shares_a_peers_address_leaves_the_newest_handshakes_alone() {
    let door = Door::new(known(&["10.0.0.1"]).0);
    let _idle: Vec<Place> = (0..1_000).map(|_| door.enter(ip("10.0.0.1"))).collect();
    let mut honest = door.enter(ip("10.0.0.1"));
    let _more: Vec<Place> = (1..KNOWN_EACH).map(|_| door.enter(ip("10.0.0.1"))).collect();
    assert_eq!(door.waiting(), KNOWN_EACH);
    assert!(!told(&mut honest), "it has all the time that {KNOWN_EACH} others need to arrive");
}

#[test]
fn where_an_admitted_peer_was_seen_is_known_until_it_is_removed() {
    let (known, peers) = known(&["10.0.0.1"]);
    assert!(!known.contains(ip("203.0.113.5")));
    known.seen(&peers[0], ip("203.0.113.5"));
    known.seen(&PeerId::random(), ip("203.0.113.6"));
    assert!(known.contains(ip("203.0.113.5")) && !known.contains(ip("203.0.113.6")));
    (0..10u8).for_each(|n| known.seen(&peers[0], IpAddr::from([198, 51, 100, n])));
    assert_eq!(known.lock()[&peers[0]].seen.len(), SEEN_EACH);
    known.set([]);
    assert!(!known.contains(ip("10.0.0.1")));
}

#[test]
fn an_ipv6_network_and_a_mapped_ipv4_address_count_once() {
    assert_eq!(key(ip("2001:db8:1:2:3:4:5:6")), key(ip("2001:db8:1:2::1")));
    assert_ne!(key(ip("2001:db8:1:2::1")), key(ip("2001:db8:1:3::1")));
    assert_eq!(key(ip("::ffff:10.0.0.1")), ip("10.0.0.1"));
}
