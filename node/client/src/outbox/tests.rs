//! An outbox before a node that takes, forgets and executes as a test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aula_api::transactions::AccountStatus;
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::tx::RunRound;
use aula_ledger::types::{Hash, Height, RoundId};
use ed25519_dalek::SigningKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

type Tested = Result<(), Box<dyn std::error::Error>>;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// What the node has: every submission in its order, and the transactions that are in blocks.
#[derive(Default)]
struct State {
    submitted: Vec<Vec<u8>>,
    executed: BTreeMap<String, u64>,
    next: u64,
    /// Whether a submission is executed at once.
    executes: bool,
}

struct Node(Mutex<State>);

impl Node {
    fn answer(&self, head: &str, body: &[u8]) -> (u16, String) {
        let Ok(mut state) = self.0.lock() else { return (500, String::new()) };
        if head.starts_with("GET /v1/accounts/") {
            let public_key = public_key(&key());
            let account = account_of(&public_key);
            let known =
                AccountStatus { account, height: Height(9), member: None, public_key, sequence: state.next };
            return (200, serde_json::to_string(&known).unwrap_or_default());
        }
        if let Some(rest) = head.strip_prefix("GET /v1/transactions/") {
            let id = rest.split(' ').next().unwrap_or_default();
            let told = match state.executed.get(id) {
                Some(height) => {
                    format!("{{\"id\":\"{id}\",\"status\":\"final\",\"code\":0,\"height\":{height}}}")
                }
                None => format!("{{\"id\":\"{id}\",\"status\":\"unknown\"}}"),
            };
            return (200, told);
        }
        let sequence = Transaction::from_canonical(body).map_or(u64::MAX, |sent| sent.body.sequence);
        state.submitted.push(body.to_vec());
        if sequence < state.next {
            let error =
                format!("\"code\":\"x\",\"message\":\"no\",\"hint\":\"-\",\"ledger_code\":{WRONG_SEQUENCE}");
            return (422, format!("{{\"error\":{{{error}}}}}"));
        }
        if state.executes {
            state.next = sequence + 1;
            state.executed.insert(id_of_bytes(body).to_string(), 9);
        }
        (202, "{}".into())
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (mut bytes, mut piece) = (Vec::new(), [0u8; 4096]);
        loop {
            let read = stream.read(&mut piece).await?;
            bytes.extend_from_slice(&piece[..read]);
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                if read == 0 { return Ok(()) } else { continue }
            };
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.trim().parse().ok()
            });
            let body = &bytes[end + 4..];
            if body.len() < length.unwrap_or(0) {
                continue;
            }
            let (status, text) = self.answer(&head, body);
            let told = format!(
                "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            );
            return stream.write_all(told.as_bytes()).await;
        }
    }
}

/// A node, a client of it, a home.
async fn world() -> Result<(Arc<Node>, Client, tempfile::TempDir, Home), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = Client::new(&format!("http://127.0.0.1:{}", listener.local_addr()?.port()))?;
    let node = Arc::new(Node(Mutex::default()));
    let serving = Arc::clone(&node);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = serving.serve(stream).await;
        }
    });
    let folder = tempfile::tempdir()?;
    let home = Home::at(folder.path().to_owned());
    Ok((node, client, folder, home))
}

fn sender(sequence: u64) -> Sender {
    let key = key();
    let mut sender = Sender::new(Hash([1; 32]), account_of(&public_key(&key)), key, Height(100));
    for _ in 0..sequence {
        let _ = sender.sign(RunRound { round: RoundId(99) });
    }
    sender
}

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn what_was_sent_and_never_seen_final_is_sent_again_as_it_is() -> Tested {
    let (node, client, _folder, home) = world().await?;
    let outbox = Outbox::of_home(&home).await?;
    let late = outbox.post(&client, &mut sender(0), RunRound { round: RoundId(3) }, SHORT).await;
    assert!(matches!(late, Err(ClientError::NotFinal(_))), "{late:?}");
    drop(outbox);
    let lock = |node: &Node| node.0.lock().map(|state| state.submitted.clone()).unwrap_or_default();
    node.0.lock().map_err(|_| "poisoned")?.executes = true;
    let outbox = Outbox::of_home(&home).await?;
    assert_eq!(outbox.waiting()?.len(), 1);
    let settled = outbox.recover(&client, SHORT).await?;
    let [one] = settled.as_slice() else { panic!("{settled:?}") };
    assert!(one.is_accepted());
    let submitted = lock(&node);
    assert!(submitted.len() >= 2 && submitted.iter().all(|bytes| *bytes == submitted[0]), "the same bytes");
    // Until it is dismissed it is told again: what follows from it may not be done yet.
    assert_eq!(outbox.recover(&client, SHORT).await?.len(), 1);
    outbox.dismiss(&one.parcel)?;
    assert!(outbox.recover(&client, SHORT).await?.is_empty());
    assert_eq!(lock(&node).len(), submitted.len(), "what is in a block is not sent again");
    Ok(())
}

#[tokio::test]
async fn what_can_never_be_in_a_block_is_dropped_and_signed_anew_by_who_posts() -> Tested {
    let (node, client, _folder, home) = world().await?;
    let outbox = Outbox::of_home(&home).await?;
    let _ = outbox.post(&client, &mut sender(0), RunRound { round: RoundId(3) }, SHORT).await;
    {
        let mut state = node.0.lock().map_err(|_| "poisoned")?;
        (state.next, state.executes) = (1, true);
    }
    assert!(outbox.recover(&client, SHORT).await?.is_empty(), "another has its number");
    assert!(outbox.waiting()?.is_empty());
    let settled = outbox.post(&client, &mut sender(0), RunRound { round: RoundId(4) }, SHORT).await?;
    assert_eq!(Transaction::from_canonical(&settled.parcel.signed.bytes)?.body.sequence, 1);
    outbox.dismiss(&settled.parcel)?;
    Ok(())
}

#[tokio::test]
async fn one_process_at_a_time_has_a_homes_outbox() -> Tested {
    let (_, _, _folder, home) = world().await?;
    let first = Outbox::of_home(&home).await?;
    let waits = tokio::spawn({
        let home = home.clone();
        async move { Outbox::of_home(&home).await.map(drop) }
    });
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(!waits.is_finished());
    drop(first);
    waits.await??;
    Ok(())
}

fn rounds(numbers: std::ops::Range<u32>) -> Vec<Payload> {
    numbers.map(|round| RunRound { round: RoundId(round) }.into()).collect()
}

#[tokio::test]
async fn several_are_sent_before_the_first_is_waited_for_and_each_is_settled_in_its_place() -> Tested {
    let (node, client, _folder, home) = world().await?;
    let outbox = Outbox::of_home(&home).await?;
    // Nothing is executed: all are sent all the same, and stay.
    let late = outbox.post_all(&client, &mut sender(0), &rounds(0..5), SHORT).await?;
    assert!(matches!(late.as_slice(), [Err(ClientError::NotFinal(_))]), "{late:?}");
    assert_eq!(outbox.waiting()?.len(), 5);
    assert!(node.0.lock().map_err(|_| "poisoned")?.submitted.len() >= 5);
    node.0.lock().map_err(|_| "poisoned")?.executes = true;
    for settled in outbox.recover(&client, SHORT).await? {
        outbox.dismiss(&settled.parcel)?;
    }
    let mut sender = sender(5);
    let done = outbox.post_all(&client, &mut sender, &rounds(5..12), SHORT).await?;
    assert_eq!(done.len(), 7);
    for (settled, payload) in done.into_iter().zip(rounds(5..12)) {
        let settled = settled?;
        assert!(settled.is_accepted() && settled.parcel.payload == payload);
        outbox.dismiss(&settled.parcel)?;
    }
    assert!(outbox.waiting()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn where_another_sender_was_quicker_each_of_several_is_signed_anew_and_none_twice() -> Tested {
    let (node, client, _folder, home) = world().await?;
    {
        let mut state = node.0.lock().map_err(|_| "poisoned")?;
        (state.executes, state.next) = (true, 3);
    }
    let outbox = Outbox::of_home(&home).await?;
    // The first three numbers are another's by now.
    let done = outbox.post_all(&client, &mut sender(0), &rounds(0..4), SHORT).await?;
    assert_eq!(done.len(), 4);
    for (settled, payload) in done.into_iter().zip(rounds(0..4)) {
        let settled = settled?;
        assert!(settled.is_accepted() && settled.parcel.payload == payload);
        outbox.dismiss(&settled.parcel)?;
    }
    assert!(outbox.waiting()?.is_empty());
    let executed = node.0.lock().map_err(|_| "poisoned")?.executed.len();
    assert_eq!(executed, 4, "each once");
    Ok(())
}
