use super::*;
use crate::door::Known;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpSocket;

/// A guard that knows 127.0.0.1, before a listener that answers each byte with as many as an admitted peer gets, to
/// admitted peers: they begin with 1.
async fn guarded() -> (Guard, SocketAddr, Door) {
    let known = Arc::new(Known::default());
    known.set([(libp2p::PeerId::random(), Some("/ip4/127.0.0.1/tcp/1".parse().unwrap()))]);
    let door = Door::new(known);
    let port = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
    let listen: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
    let guard = start(&listen, door.clone()).await.unwrap();
    let engine = TcpListener::bind(socket(&guard.engine).unwrap()).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = engine.accept().await {
            tokio::spawn(async move {
                let mut byte = [0];
                while stream.read_exact(&mut byte).await.is_ok() {
                    let count = if byte[0] == 1 { HANDSHAKE_BYTES as usize } else { 100 };
                    if stream.write_all(&vec![byte[0]; count]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (guard, SocketAddr::from(([127, 0, 0, 1], port)), door)
}

async fn connect(from: [u8; 4], to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

/// Sends a byte and reads what comes for it.
async fn ask(stream: &mut TcpStream, byte: u8, count: usize) -> io::Result<()> {
    stream.write_all(&[byte]).await?;
    stream.read_exact(&mut vec![0; count]).await.map(drop)
}

#[tokio::test]
async fn attack_10_whoever_is_admitted_stays_and_whoever_is_not_is_gone_in_time() {
    let (_guard, address, door) = guarded().await;
    let mut admitted = connect([127, 0, 0, 1], address).await.unwrap();
    ask(&mut admitted, 1, HANDSHAKE_BYTES as usize).await.unwrap();
    let (mut silent, mut talks) =
        (connect([127, 0, 0, 1], address).await.unwrap(), connect([127, 0, 0, 1], address).await.unwrap());
    ask(&mut talks, 0, 100).await.unwrap();
    let begun = Instant::now();
    assert_eq!(silent.read(&mut [0]).await.unwrap_or(0), 0, "the silent one is gone");
    assert_eq!(
        talks.read(&mut [0]).await.unwrap_or(0),
        0,
        "and the one that gets no further than its handshake"
    );
    assert!(begun.elapsed() < HANDSHAKE * 3, "{:?}", begun.elapsed());
    tokio::time::sleep(HANDSHAKE / 4).await;
    assert_eq!(door.waiting(), 0);
    ask(&mut admitted, 1, HANDSHAKE_BYTES as usize).await.unwrap();
}

#[tokio::test]
async fn attack_10_a_peer_gets_in_past_a_crowd_of_idle_strangers() {
    let (_guard, address, door) = guarded().await;
    let mut crowd = Vec::new();
    for n in 0..300u16 {
        crowd.push(connect([127, 0, 1 + (n / 100) as u8, 1 + (n % 100) as u8], address).await.unwrap());
        crowd.push(connect([127, 0, 0, 66], address).await.unwrap());
    }
    let begun = Instant::now();
    let mut peer = connect([127, 0, 0, 1], address).await.unwrap();
    ask(&mut peer, 1, HANDSHAKE_BYTES as usize).await.unwrap();
    println!("attack 10: a peer gets past {} idle strangers after {:?}", crowd.len(), begun.elapsed());
    assert!(door.waiting() <= crate::door::FOREIGN_ALL + 1);
    assert!(begun.elapsed() < HANDSHAKE);
}

/// The engine lets anybody finish a handshake: what a stranger has then still counts.
#[tokio::test]
async fn attack_10_strangers_that_finish_a_handshake_keep_their_places() {
    let (_guard, address, door) = guarded().await;
    let mut strangers = Vec::new();
    for _ in 0..20 {
        let mut stranger = connect([127, 0, 0, 66], address).await.unwrap();
        ask(&mut stranger, 1, HANDSHAKE_BYTES as usize).await.unwrap();
        strangers.push(stranger);
    }
    tokio::time::sleep(HANDSHAKE / 4).await;
    assert_eq!(door.waiting(), crate::door::FOREIGN_EACH);
    let mut alive = 0;
    for stranger in &mut strangers {
        alive += usize::from(ask(stranger, 1, HANDSHAKE_BYTES as usize).await.is_ok());
    }
    assert_eq!(alive, crate::door::FOREIGN_EACH, "the older ones gave way");
}
