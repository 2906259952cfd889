//! What a sender does with a node's refusals, against a node that says them by heart.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use aula_ledger::keys::public_key;
use aula_ledger::tx::RunRound;
use aula_ledger::types::RoundId;

/// Answers submissions in this order, then accepts all; says that the account's next number is `known`. Keeps what it was sent.
struct Node {
    refusals: Vec<u16>,
    known: u64,
    sent: Mutex<Vec<u64>>,
}

impl Node {
    fn answer(&self, head: &str, body: &[u8]) -> (u16, String) {
        if head.starts_with("GET /v1/accounts/") {
            let public_key = public_key(&SigningKey::from_bytes(&[7; 32]));
            let account = account_of(&public_key);
            let (height, member) = (Height(9), None);
            let known = AccountStatus { account, height, member, public_key, sequence: self.known };
            return (200, serde_json::to_string(&known).unwrap_or_default());
        }
        let sequence = Transaction::from_canonical(body).map_or(u64::MAX, |sent| sent.body.sequence);
        let Ok(mut sent) = self.sent.lock() else { return (500, String::new()) };
        let refusal = self.refusals.get(sent.len());
        sent.push(sequence);
        match refusal {
            None => (202, "{}".into()),
            Some(code) => {
                let error = format!(
                    "\"code\":\"rejected\",\"message\":\"no\",\"hint\":\"wait\",\"ledger_code\":{code}"
                );
                (422, format!("{{\"error\":{{{error}}}}}"))
            }
        }
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (mut bytes, mut piece) = (Vec::new(), [0u8; 4096]);
        loop {
            let read = stream.read(&mut piece).await?;
            bytes.extend_from_slice(&piece[..read]);
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                if read == 0 { return Ok(()) } else { continue }
            };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            let body = &bytes[end + 4..];
            if body.len() < length.unwrap_or(0) {
                continue;
            }
            let (status, text) = self.answer(&String::from_utf8_lossy(&bytes[..end]), body);
            let told = format!(
                "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            );
            return stream.write_all(told.as_bytes()).await;
        }
    }
}

/// The numbers under which one transaction was sent to a node that refuses so.
async fn sent(refusals: Vec<u16>, known: u64) -> (Result<u64, ClientError>, Vec<u64>) {
    let (mut outcomes, numbers) = sent_times(1, refusals, known).await;
    (outcomes.remove(0), numbers)
}

/// The same of several transactions, one after another whatever becomes of each.
async fn sent_times(
    times: usize,
    refusals: Vec<u16>,
    known: u64,
) -> (Vec<Result<u64, ClientError>>, Vec<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|e| unreachable!("{e}"));
    let port = listener.local_addr().map_or(0, |address| address.port());
    let node = Arc::new(Node { refusals, known, sent: Mutex::default() });
    let serving = Arc::clone(&node);
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = serving.serve(stream).await;
        }
    });
    let client = Client::new(&format!("http://127.0.0.1:{port}")).unwrap_or_else(|e| unreachable!("{e:?}"));
    let key = SigningKey::from_bytes(&[7; 32]);
    let account = account_of(&public_key(&key));
    let mut sender = Sender::new(Hash([1; 32]), account, key, Height(100));
    let mut outcomes = Vec::new();
    for _ in 0..times {
        let outcome = sender.send(&client, RunRound { round: RoundId(0) }).await;
        outcomes.push(outcome.map(|signed| signed.sequence));
    }
    server.abort();
    let numbers = node.sent.lock().map(|sent| sent.clone()).unwrap_or_default();
    (outcomes, numbers)
}

#[tokio::test]
async fn a_number_under_which_another_waits_is_followed_by_the_next() {
    let (outcome, numbers) = sent(vec![SEQUENCE_TAKEN, SEQUENCE_TAKEN], 0).await;
    assert_eq!((outcome.ok(), numbers), (Some(2), vec![0, 1, 2]));
}

#[tokio::test]
async fn a_number_that_is_in_a_block_is_asked_for_anew_and_no_room_is_waited_for() {
    let (outcome, numbers) = sent(vec![SEQUENCE_TAKEN, WRONG_SEQUENCE], 5).await;
    assert_eq!((outcome.ok(), numbers), (Some(5), vec![0, 1, 5]));
    let (outcome, numbers) = sent(vec![NO_ROOM[0], NO_ROOM[3]], 0).await;
    assert_eq!((outcome.ok(), numbers), (Some(0), vec![0, 0, 0]));
}

#[tokio::test]
async fn any_other_refusal_ends_it_with_its_number() {
    let (outcome, numbers) = sent(vec![2], 0).await;
    assert_eq!(numbers, [0]);
    assert!(outcome.err().is_some_and(|error| error.to_string().contains("(code 2)")));
}

#[tokio::test]
async fn the_number_of_what_was_refused_is_the_next_ones() {
    let (outcomes, numbers) = sent_times(2, vec![100], 0).await;
    assert_eq!(numbers, [0, 0]);
    let rejected = outcomes.first().and_then(|outcome| outcome.as_ref().err()?.rejection());
    assert_eq!(rejected, Some(Code::RoleNotAllowed));
    assert_eq!(outcomes.last().and_then(|outcome| outcome.as_ref().ok()), Some(&0));
}
