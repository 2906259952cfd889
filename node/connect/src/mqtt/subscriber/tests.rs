//! Against a broker of another maker, which acknowledges its publishers by itself and keeps what a subscriber has not.

use std::sync::atomic::Ordering;
use std::time::Instant;

use aula_district::live::events_of;
use rumqttc::MqttOptions;

use super::*;
use crate::pipeline::Settings;
use crate::testkit::{NOW_MS, Shutter, Tested, World, reference};

/// A broker in this process, which ends with it.
fn broker() -> Result<u16, Box<dyn std::error::Error>> {
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let text = format!(
        "id = 0\n[router]\nid = 0\nmax_connections = 16\nmax_outgoing_packet_count = 200\nmax_segment_size = 1048576\n\
         max_segment_count = 4\n[v4.1]\nname = 'v4'\nlisten = '{free}'\nnext_connection_delay_ms = 1\n[v4.1.connections]\n\
         connection_timeout_ms = 5000\nmax_payload_size = 65536\nmax_inflight_count = 100\nauth = {{ aula = 'hush', east = 's' }}\n"
    );
    let mut broker = rumqttd::Broker::new(toml::from_str(&text)?);
    std::thread::spawn(move || broker.start().map_err(|error| error.to_string()));
    Ok(free.port())
}

/// A publisher that stays; its messages are with the broker on return.
async fn publish(port: u16, from: u64, to: u64) -> Tested {
    let mut options = MqttOptions::new(format!("east-{from}"), "127.0.0.1", port);
    options.set_credentials("east", "s");
    let (client, mut events) = AsyncClient::new(options, 256);
    for n in from..to {
        let payload = format!(
            r#"{{"id":"m{n}","at":{},"student":"S-{}","event":{{"kind":"attendance","mark":"late"}}}}"#,
            NOW_MS + n,
            n % 3
        );
        client.publish(format!("school/{}/marks", n % 7), QoS::AtLeastOnce, n == from, payload).await?;
    }
    let mut acknowledged = 0;
    while acknowledged < to - from {
        let event = tokio::time::timeout(Duration::from_secs(20), events.poll()).await??;
        acknowledged += u64::from(matches!(event, Event::Incoming(Packet::PubAck(_))));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broker_keeps_is_an_event_once_over_a_shut_vault_and_another_connection() -> Tested {
    let mut world = World::new()?;
    world.feed = Arc::new(Feed::plain("broker")?);
    let port = broker()?;
    let secret = world.root.path().join("secret.toml");
    let write = |password: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&secret, format!("user = 'aula'\npassword = '{password}'\n"))?;
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600))
    };
    write("wrong")?;
    let own: config::Feed = toml::from_str(&format!(
        "name = 'broker'\nkind = 'mqtt'\nbroker = 'mqtt://127.0.0.1:{port}'\nsecret = '{}'\n[topics]\n'school/+/marks' = 'events'\n",
        secret.display()
    ))?;
    let end = Instant::now() + Duration::from_secs(20);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(Instant::now() < end, "the broker never listened");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(probe(&own).await.is_err(), "a wrong secret");
    write("hush")?;
    assert!(probe(&own).await?.contains("1 topics granted"));
    let door = Shutter::of(&world.vault, false);
    let settings =
        Settings { params: reference(), spool: None, feeds: vec![world.feed.clone()], observer: None };
    let pipeline = Arc::new(Pipeline::start(door.clone(), settings)?);
    let start = || tokio::spawn(Subscriber::new(own.clone(), world.feed.clone(), pipeline.clone()).run());
    let count = || -> Result<usize, Box<dyn std::error::Error>> {
        let counts = world.handles.iter().map(|handle| Ok(events_of(&world.vault, handle)?.len()));
        counts.sum::<Result<usize, Box<dyn std::error::Error>>>()
    };
    let until = |wanted: usize| {
        let count = &count;
        async move {
            let end = Instant::now() + Duration::from_secs(30);
            while count()? != wanted {
                if Instant::now() > end {
                    return Err(format!("{} of {wanted} events", count()?).into());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok::<_, Box<dyn std::error::Error>>(())
        }
    };
    let first = start();
    // Retained ones come whenever the subscription stands.
    publish(port, 0, 1).await?;
    until(1).await?;
    publish(port, 1, 50).await?;
    until(50).await?;
    // The vault is shut: the broker keeps what is not acknowledged, over the end of this client.
    door.shut.store(true, Ordering::SeqCst);
    publish(port, 50, 80).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    first.abort();
    assert!(first.await.is_err());
    assert_eq!(count()?, 50);
    door.shut.store(false, Ordering::SeqCst);
    let second = start();
    until(80).await?;
    second.abort();
    Ok(())
}
