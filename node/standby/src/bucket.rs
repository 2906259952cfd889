//! The lease's record in a bucket that speaks S3, by conditional puts (`If-Match`, `If-None-Match`).
//!
//! A service that takes a put in spite of its condition would let two act: whether this one refuses is tried before it is used, on an
//! object beside the record, one put after another and several at once: a service that looks first and puts afterwards lets two win.
//! Whoever asks waits for it, on a thread that is no runtime's ([`crate::patient`]). Absent: locks of objects, listings.

use std::time::Duration;

use aula_delivery::DeliveryError;
use aula_delivery::bucket::Bucket;
use tokio::runtime::{Builder, Runtime};

use crate::lease::{Kept, LeaseError, LeaseStore, Record};

/// How long one request may take.
pub const TIMEOUT: Duration = Duration::from_millis(800);
/// Puts at once of a try, of which one must win.
const AT_ONCE: usize = 4;
/// Such tries.
const TRIES: usize = 2;

type Read = Result<Option<(String, Vec<u8>)>, DeliveryError>;

/// A store in a bucket.
pub struct BucketLease {
    runtime: Runtime,
    bucket: Bucket,
    key: String,
}

impl std::fmt::Debug for BucketLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketLease").field("key", &self.key).finish_non_exhaustive()
    }
}

fn failed(error: impl std::fmt::Display) -> LeaseError {
    LeaseError(error.to_string())
}

impl BucketLease {
    /// The store under this key.
    ///
    /// # Errors
    /// A service that cannot be asked, or that puts in spite of a condition.
    pub fn at(bucket: Bucket, key: &str) -> Result<Self, LeaseError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        runtime.block_on(honours(&bucket, &format!("{key}.try")))?;
        Ok(Self { runtime, bucket, key: key.to_owned() })
    }
}

/// The object under this key, which is this one where there was none.
async fn claimed(bucket: &Bucket, key: &str, owner: &[u8]) -> Read {
    match bucket.put_record(key, None, owner).await? {
        Some(tag) => Ok(Some((tag, owner.to_vec()))),
        None => bucket.record(key).await,
    }
}

/// Whether the service refuses a put whose condition does not hold.
async fn honours(bucket: &Bucket, key: &str) -> Result<(), LeaseError> {
    let not = || failed("the service puts in spite of If-Match or If-None-Match: it cannot keep a lease");
    let there = match bucket.record(key).await.map_err(failed)? {
        Some((tag, _)) => tag,
        None => match bucket.put_record(key, None, b"1").await.map_err(failed)? {
            Some(tag) => tag,
            // The other one tries as well.
            None => bucket.record(key).await.map_err(failed)?.ok_or_else(not)?.0,
        },
    };
    if bucket.put_record(key, None, b"2").await.map_err(failed)?.is_some() {
        return Err(not());
    }
    let another = "\"00000000000000000000000000000000\"";
    let wrong = bucket.put_record(key, Some(another), b"3").await.map_err(failed)?;
    if wrong.is_some() || there == another {
        return Err(not());
    }
    for round in 0..TRIES {
        if won_at_once(bucket, key, round).await? > 1 {
            return Err(failed(
                "of several puts at once over one object more than one was taken: it cannot keep a lease",
            ));
        }
    }
    Ok(())
}

/// How many of several who saw the same object replaced it; none where the other one tries as well.
async fn won_at_once(bucket: &Bucket, key: &str, round: usize) -> Result<usize, LeaseError> {
    let Some((tag, _)) = bucket.record(key).await.map_err(failed)? else { return Ok(0) };
    // Where a tag is made of the bytes, none may be what stands there.
    let bodies: [String; AT_ONCE] = std::array::from_fn(|one| format!("{tag} {round} {one}"));
    let (over, [a, b, c, d]) = (Some(tag.as_str()), &bodies);
    let answers = tokio::join!(
        bucket.put_record(key, over, a.as_bytes()),
        bucket.put_record(key, over, b.as_bytes()),
        bucket.put_record(key, over, c.as_bytes()),
        bucket.put_record(key, over, d.as_bytes()),
    );
    let mut won = 0;
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        won += usize::from(answer.map_err(failed)?.is_some());
    }
    Ok(won)
}

impl LeaseStore for BucketLease {
    fn read(&self) -> Result<Option<Kept>, LeaseError> {
        let read = self.runtime.block_on(self.bucket.record(&self.key)).map_err(failed)?;
        let Some((tag, bytes)) = read else { return Ok(None) };
        let record = serde_json::from_slice::<Record>(&bytes);
        Ok(Some(Kept { tag, record: record.map_err(|_| failed("its object is not a lease's record"))? }))
    }

    fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError> {
        let bytes = serde_json::to_vec(record).map_err(failed)?;
        self.runtime.block_on(self.bucket.put_record(&self.key, over, &bytes)).map_err(failed)
    }

    fn claim(&self, what: &str, owner: &str) -> Result<String, LeaseError> {
        let key = format!("{}.of-{what}", self.key);
        let stands = self.runtime.block_on(claimed(&self.bucket, &key, owner.as_bytes())).map_err(failed)?;
        let (_, bytes) = stands.ok_or_else(|| failed("what was there is gone"))?;
        String::from_utf8(bytes).map_err(|_| failed("its object does not say whose a key is"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Barrier, Mutex, PoisonError};

    use aula_delivery::bucket::Place;

    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;
    type Objects = BTreeMap<String, (u64, Vec<u8>)>;

    /// What of one request is done: status, ETag, body.
    fn answer(objects: &mut Objects, head: &str, body: Vec<u8>, keeps: bool) -> (u16, u64, Vec<u8>) {
        let mut words = head.split_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
        let said = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let there = objects.get(&path).cloned();
        match (method, there) {
            ("GET", Some((tag, bytes))) => (200, tag, bytes),
            ("GET", None) => (404, 0, Vec::new()),
            (_, there) => {
                let tag = there.as_ref().map(|(tag, _)| format!("\"{tag}\""));
                let other = said("if-match:").is_some_and(|wanted| tag.as_deref() != Some(wanted));
                if keeps && (other || (said("if-none-match:").is_some() && tag.is_some())) {
                    return (412, 0, Vec::new());
                }
                let next = there.map_or(1, |(tag, _)| tag + 1);
                objects.insert(path, (next, body));
                (200, next, Vec::new())
            }
        }
    }

    fn asked(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
        let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
        loop {
            let n = stream.read(&mut part)?;
            bytes.extend_from_slice(&part[..n]);
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            let Some(end) = end else {
                if n == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            };
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = bytes.split_off(end + 4);
            while body.len() < length.unwrap_or(0) {
                let n = stream.read(&mut part)?;
                body.extend_from_slice(&part[..n]);
            }
            // The method in capitals again.
            return Ok((head.replacen("get ", "GET ", 1).replacen("put ", "PUT ", 1), body));
        }
    }

    /// A service on loopback that keeps to conditions, or does not.
    fn service(keeps: bool) -> std::io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let at = format!("http://{}", listener.local_addr()?);
        std::thread::spawn(move || {
            let mut objects = Objects::new();
            for mut stream in listener.incoming().flatten() {
                let Ok((head, body)) = asked(&mut stream) else { continue };
                tell(&mut stream, answer(&mut objects, &head, body, keeps));
            }
        });
        Ok(at)
    }

    fn tell(stream: &mut TcpStream, (status, tag, body): (u16, u64, Vec<u8>)) {
        let etag = if tag > 0 { format!("etag: \"{tag}\"\r\n") } else { String::new() };
        let head = format!(
            "HTTP/1.1 {status} x\r\n{etag}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        // Who asked may be gone.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
    }

    /// A service that keeps to each condition as it stood when it looked, and puts when all who saw the same have looked.
    fn hasty() -> std::io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let at = format!("http://{}", listener.local_addr()?);
        let objects = Arc::new(Mutex::new(Objects::new()));
        let looked = Arc::new(Barrier::new(AT_ONCE));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (objects, looked) = (objects.clone(), looked.clone());
                std::thread::spawn(move || {
                    let Ok((head, body)) = asked(&mut stream) else { return };
                    let mut seen = objects.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let told = answer(&mut seen, &head, body, true);
                    if told.0 == 200 && head.contains("if-match:") {
                        looked.wait();
                    }
                    objects.lock().unwrap_or_else(PoisonError::into_inner).extend(seen);
                    tell(&mut stream, told);
                });
            }
        });
        Ok(at)
    }

    fn bucket(at: &str) -> Result<Bucket, DeliveryError> {
        patient_bucket(at, Duration::from_secs(5))
    }

    fn patient_bucket(at: &str, timeout: Duration) -> Result<Bucket, DeliveryError> {
        let place = Place {
            endpoint: at.to_owned(),
            region: "us-east-1".into(),
            bucket: "district-7".into(),
            key_id: "id".into(),
        };
        Bucket::patient(&place, "secret", None, || 1_795_996_800, timeout)
    }

    #[test]
    fn a_record_in_a_bucket_is_replaced_by_who_read_it_and_by_nobody_else() -> Tested {
        let at = service(true)?;
        let (one, other) = (
            BucketLease::at(bucket(&at)?, "aula/pair-lease.json")?,
            BucketLease::at(bucket(&at)?, "aula/pair-lease.json")?,
        );
        let record = |turn| Record {
            epoch: 1,
            holder: "east".into(),
            lease_ms: 1_000,
            level: Some("west".into()),
            released: false,
            turn,
        };
        assert_eq!(one.read()?, None);
        let first = one.put(None, &record(0))?.ok_or("free")?;
        assert_eq!(other.put(None, &record(9))?, None);
        let second = other.put(Some(&first), &record(1))?.ok_or("the newest was read")?;
        assert_eq!(one.put(Some(&first), &record(8))?, None);
        assert_eq!(one.read()?, Some(Kept { tag: second, record: record(1) }));
        assert_eq!((one.claim("07", "east")?, other.claim("07", "west")?), ("east".into(), "east".into()));
        assert_eq!(other.claim("08", "west")?, "west");
        Ok(())
    }

    /// It keeps to conditions, and once the gate is shut it takes connections and answers none.
    fn falls_silent(is_silent: Arc<AtomicBool>) -> std::io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let at = format!("http://{}", listener.local_addr()?);
        std::thread::spawn(move || {
            let (mut objects, mut held) = (Objects::new(), Vec::new());
            for mut stream in listener.incoming().flatten() {
                if is_silent.load(Ordering::SeqCst) {
                    held.push(stream);
                } else if let Ok((head, body)) = asked(&mut stream) {
                    tell(&mut stream, answer(&mut objects, &head, body, true));
                }
            }
        });
        Ok(at)
    }

    #[test]
    fn a_service_that_takes_connections_and_never_answers_holds_nobody_up() -> Tested {
        let is_silent = Arc::new(AtomicBool::new(false));
        let at = falls_silent(is_silent.clone())?;
        // One that the other thread may take long to answer is asked with patience.
        let store =
            BucketLease::at(patient_bucket(&at, Duration::from_millis(1_500))?, "aula/pair-lease.json")?;
        assert_eq!(store.read()?, None);
        is_silent.store(true, Ordering::SeqCst);
        let record = Record {
            epoch: 1,
            holder: "east".into(),
            lease_ms: 1_000,
            level: None,
            released: false,
            turn: 0,
        };
        let late = |error: LeaseError| error.0.contains("timed out");
        assert!(store.read().is_err_and(late));
        assert!(store.put(None, &record).is_err_and(late));
        assert!(store.claim("07", "east").is_err_and(late));
        let opened = BucketLease::at(patient_bucket(&at, Duration::from_millis(50))?, "aula/pair-lease.json");
        assert!(opened.is_err_and(late));
        Ok(())
    }

    #[test]
    fn a_service_that_puts_in_spite_of_a_condition_keeps_no_lease() -> Tested {
        let refused = BucketLease::at(bucket(&service(false)?)?, "aula/pair-lease.json").err();
        assert!(refused.is_some_and(|why| why.0.contains("in spite of")));
        let refused = BucketLease::at(bucket(&hasty()?)?, "aula/pair-lease.json").err();
        assert!(refused.is_some_and(|why| why.0.contains("more than one was taken")));
        let nobody = BucketLease::at(bucket("http://127.0.0.1:1")?, "aula/pair-lease.json");
        assert!(nobody.is_err());
        Ok(())
    }
}
