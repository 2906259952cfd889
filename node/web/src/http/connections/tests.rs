use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream as Client;

use super::*;

type Tested = Result<(), Box<dyn std::error::Error>>;

const SHORT: Duration = Duration::from_millis(300);

fn doorkeeper(most: usize, of_one: usize) -> Doorkeeper {
    let limits = Limits { idle: SHORT, stall: SHORT };
    Doorkeeper { limits, ..Doorkeeper::new(most, of_one, Duration::ZERO) }
}

fn address(last: u8) -> IpAddr {
    IpAddr::from(Ipv4Addr::new(192, 0, 2, last))
}

#[test]
fn files_are_left_for_the_database() {
    assert_eq!(most(4_096, 1_000_000), 4_096);
    assert_eq!(most(4_096, 4_096), 3_072);
    assert_eq!(most(4_096, 256), 128);
    assert_eq!(most(4_096, 0), 1);
}

#[test]
fn a_machine_of_version_six_has_one_share_for_all_its_addresses() -> Tested {
    let of = |text: &str| text.parse().map(share);
    assert_eq!(of("2001:db8::1")?, of("2001:db8::ffff:1:2:3")?);
    assert_ne!(of("2001:db8::1")?, of("2001:db8:0:1::1")?);
    assert_eq!(of("::ffff:192.0.2.1")?, of("192.0.2.1")?);
    assert_ne!(of("192.0.2.1")?, of("192.0.2.2")?);
    Ok(())
}

#[test]
fn the_silent_make_room_and_who_has_most_of_them_first() {
    let doorkeeper = doorkeeper(4, 3);
    let greedy: Vec<Option<Place>> = (0..4).map(|_| doorkeeper.admit(address(1))).collect();
    let is_closed = |place: &Option<Place>| {
        place.as_ref().is_some_and(|place| place.activity.closed.load(Ordering::Acquire))
    };
    assert_eq!(
        greedy.iter().map(is_closed).collect::<Vec<_>>(),
        [true, false, false, false],
        "its share is 3"
    );
    let others: Vec<Option<Place>> = (2..4).map(|last| doorkeeper.admit(address(last))).collect();
    assert!(others.iter().all(Option::is_some));
    assert_eq!(greedy.iter().map(is_closed).collect::<Vec<_>>(), [true, true, false, false]);
    drop((greedy, others));
    let places = doorkeeper.lock();
    assert_eq!((places.open, places.by_share.len()), (0, 0), "every place is given back once");
}

#[test]
fn a_connection_with_a_request_keeps_its_place() {
    let doorkeeper = doorkeeper(2, 0);
    let held: Vec<Place> = (0..2).filter_map(|_| doorkeeper.admit(address(1))).collect();
    for place in &held {
        place.activity.requests.fetch_add(1, Ordering::AcqRel);
    }
    assert!(doorkeeper.admit(address(2)).is_none());
    held[1].activity.requests.fetch_sub(1, Ordering::AcqRel);
    assert!(doorkeeper.admit(address(2)).is_some());
}

/// A server with short limits, and its address.
async fn serve(doorkeeper: Doorkeeper) -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let slow = || async {
        tokio::time::sleep(SHORT * 2).await;
        "late"
    };
    let routes = Router::new().route("/", get(|| async { "now" })).route("/slow", get(slow));
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let limits = Limits { stall: SHORT * 10, ..doorkeeper.limits };
    let server = axum_server::from_tcp(listener).acceptor(Doorkeeper { limits, ..doorkeeper });
    tokio::spawn(server.serve(routes.into_make_service()));
    Ok(address)
}

/// What a client that sends `first` reads until the server ends the connection.
async fn sent(address: SocketAddr, first: &[u8]) -> Result<(String, Duration), Box<dyn std::error::Error>> {
    let mut client = Client::connect(address).await?;
    client.write_all(first).await?;
    let (begun, mut read) = (Instant::now(), Vec::new());
    let ended = tokio::time::timeout(SHORT * 20, client.read_to_end(&mut read)).await;
    ended.map_err(|_| "the connection is still open")?.ok();
    Ok((String::from_utf8_lossy(&read).into_owned(), begun.elapsed()))
}

#[tokio::test]
async fn whoever_brings_no_request_is_let_go() -> Tested {
    let address = serve(doorkeeper(100, 100)).await?;
    let preface: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    for first in [b"".as_slice(), b"PRI * HT", preface, b"GET /", b"GET / HTTP/1.1\r\nHost: a\r\n"] {
        let (_, after) = sent(address, first).await?;
        assert!(after >= SHORT / 2, "{after:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_takes_longer_than_silence_may_is_given() -> Tested {
    let address = serve(doorkeeper(100, 100)).await?;
    let (read, after) = sent(address, b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await?;
    assert!(read.ends_with("late"), "{read}");
    assert!(after >= SHORT * 2, "{after:?}");
    Ok(())
}

#[tokio::test]
async fn silent_connections_of_one_address_do_not_keep_others_out() -> Tested {
    let address = serve(doorkeeper(8, 0)).await?;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(Client::connect(address).await?);
    }
    let (read, _) = sent(address, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await?;
    assert!(read.ends_with("now"), "{read}");
    Ok(())
}
