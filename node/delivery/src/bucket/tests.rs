//! A small service on loopback that keeps versions, hides what it is told to hide, and answers two at a time.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::*;
use crate::Local;

/// What the service does that it should not, or must not be given anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Deletions are answered with 204 and not made.
    KeepsVersions,
    /// Aborted uploads stay.
    KeepsUploads,
    /// Objects can be locked.
    Locks,
    /// Another is stored than was sent.
    Lies,
    /// Every request is refused.
    Denies,
    /// What is read back is shorter than what was sent.
    Cuts,
    /// The connection ends in the middle of what is read back.
    HangsUp,
    /// The service's own word for what was put is of something else.
    WrongTag,
    /// There is no space for a second part.
    Full,
    /// Parts are put together with 200 and an error after it.
    FailsLate,
}

#[derive(Debug, Default)]
struct Held {
    /// Versions by key and number; none is a delete marker.
    versions: BTreeMap<(String, usize), Option<Vec<u8>>>,
    /// Begun uploads with their parts.
    uploads: BTreeMap<(String, usize), BTreeMap<usize, Vec<u8>>>,
}

struct Service {
    held: Arc<Mutex<Held>>,
    at: String,
}

impl Service {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let (mut bytes, mut part) = (Vec::new(), [0u8; 4096]);
    loop {
        let n = stream.read(&mut part)?;
        bytes.extend_from_slice(&part[..n]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            if n == 0 {
                return Ok((String::new(), Vec::new()));
            }
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head
            .to_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let mut body = bytes.split_off(end + 4);
        while body.len() < length.unwrap_or(0) {
            let n = stream.read(&mut part)?;
            body.extend_from_slice(&part[..n]);
        }
        return Ok((head, body));
    }
}

fn list(
    root: &str,
    items: &[(String, usize)],
    after: Option<(String, usize)>,
    names: (&str, &str, &str),
) -> String {
    // Two a page.
    let rest: Vec<_> = items.iter().filter(|one| after.as_ref().is_none_or(|after| *one > after)).collect();
    let mut out = format!("<{root}>");
    for (key, id) in rest.iter().take(2) {
        out += &format!("<{0}><Key>{key}</Key><{1}>{id}</{1}></{0}>", names.0, names.1);
    }
    let more = rest.len() > 2;
    out += &format!("<IsTruncated>{more}</IsTruncated>");
    if let (true, Some((key, id))) = (more, rest.get(1)) {
        out += &format!("<NextKeyMarker>{key}</NextKeyMarker><{0}>{id}</{0}>", names.2);
    }
    out + &format!("</{root}>")
}

/// Status, headers of its own, body.
type Reply = (u16, String, Vec<u8>);

fn error(status: u16, code: &str) -> Reply {
    (status, String::new(), format!("<Error><Code>{code}</Code></Error>").into_bytes())
}

/// An object, or the part of it that is asked for.
fn given(head: &str, bytes: Vec<u8>) -> Reply {
    let range = head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.split_once('-'));
    let Some((Ok(from), Ok(to))) = range.map(|(from, to)| (from.parse::<usize>(), to.parse::<usize>()))
    else {
        return (200, String::new(), bytes);
    };
    match bytes.get(from..bytes.len().min(to + 1)) {
        Some(part) if from < bytes.len() => {
            (206, format!("content-range: bytes {from}-{to}/{}\r\n", bytes.len()), part.to_vec())
        }
        _ => error(416, "InvalidRange"),
    }
}

fn answer(held: &mut Held, fault: Fault, count: usize, head: &str, body: Vec<u8>) -> Reply {
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = path.trim_start_matches("/reports").trim_start_matches('/').to_owned();
    let of = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(|v| v.replace("%2F", "/")))
    };
    let newest = |held: &Held| {
        held.versions
            .range((key.clone(), 0)..=(key.clone(), usize::MAX))
            .next_back()
            .and_then(|(_, bytes)| bytes.clone())
    };
    if fault == Fault::Denies || !head.contains("AWS4-HMAC-SHA256 Credential=id/") {
        return error(403, "AccessDenied");
    }
    let id = |name: &str| of(name).and_then(|id| id.parse::<usize>().ok());
    let after = |marker: &str| of("key-marker").map(|key| (key, id(marker).unwrap_or(usize::MAX)));
    let below = |keys: Vec<(String, usize)>| -> Vec<(String, usize)> {
        let prefix = of("prefix").unwrap_or_default();
        keys.into_iter().filter(|(key, _)| key.starts_with(&prefix)).collect()
    };
    let plain = |status: u16, body: Vec<u8>| (status, String::new(), body);
    match (method, key.is_empty()) {
        ("GET", true) if of("object-lock").is_some() => match fault {
            Fault::Locks => plain(200, b"<C><ObjectLockEnabled>Enabled</ObjectLockEnabled></C>".to_vec()),
            _ => error(404, "ObjectLockConfigurationNotFoundError"),
        },
        ("GET", true) if of("versions").is_some() => {
            let keys = below(held.versions.keys().cloned().collect());
            let names = ("Version", "VersionId", "NextVersionIdMarker");
            plain(200, list("ListVersionsResult", &keys, after("version-id-marker"), names).into_bytes())
        }
        ("GET", true) => {
            let keys = below(held.uploads.keys().cloned().collect());
            let names = ("Upload", "UploadId", "NextUploadIdMarker");
            plain(
                200,
                list("ListMultipartUploadsResult", &keys, after("upload-id-marker"), names).into_bytes(),
            )
        }
        ("GET", false) => newest(held).map_or_else(
            || error(404, "NoSuchKey"),
            |mut bytes| {
                if fault == Fault::Cuts {
                    bytes.pop();
                }
                given(head, bytes)
            },
        ),
        ("PUT", false) => match (id("uploadId"), id("partNumber")) {
            (Some(_), Some(2)) if fault == Fault::Full => error(507, "InsufficientStorage"),
            (Some(upload), Some(number)) => {
                let Some(parts) = held.uploads.get_mut(&(key, upload)) else {
                    return error(404, "NoSuchUpload");
                };
                parts.insert(number, body);
                (200, format!("etag: \"{number}\"\r\n"), Vec::new())
            }
            _ => {
                let bytes = if fault == Fault::Lies { b"other".to_vec() } else { body };
                held.versions.insert((key, count), Some(bytes));
                let tag = if fault == Fault::WrongTag { "etag: \"of something else\"\r\n" } else { "" };
                (200, tag.to_owned(), Vec::new())
            }
        },
        ("POST", false) => match id("uploadId") {
            None => {
                held.uploads.insert((key, count), BTreeMap::new());
                let xml = "InitiateMultipartUploadResult";
                plain(200, format!("<{xml}><UploadId>{count}</UploadId></{xml}>").into_bytes())
            }
            Some(_) if fault == Fault::FailsLate => error(200, "InternalError"),
            Some(upload) => {
                let Some(parts) = held.uploads.remove(&(key.clone(), upload)) else {
                    return error(404, "NoSuchUpload");
                };
                let text = String::from_utf8_lossy(&body).into_owned();
                let told = parts.keys().all(|number| text.contains(&format!("<ETag>\"{number}\"</ETag>")));
                if !told {
                    return error(400, "InvalidPart");
                }
                held.versions.insert((key, count), Some(parts.into_values().flatten().collect()));
                plain(200, b"<CompleteMultipartUploadResult/>".to_vec())
            }
        },
        ("DELETE", false) => {
            if let Some(id) = id("versionId").filter(|_| fault != Fault::KeepsVersions) {
                held.versions.remove(&(key, id));
            } else if let Some(id) = id("uploadId").filter(|_| fault != Fault::KeepsUploads) {
                held.uploads.remove(&(key, id));
            } else if query.is_empty() {
                held.versions.insert((key, count), None);
            }
            plain(204, Vec::new())
        }
        _ => error(400, "InvalidRequest"),
    }
}

fn serve(fault: Fault) -> std::io::Result<Service> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (held, count) = (Arc::<Mutex<Held>>::default(), AtomicUsize::new(1));
    let at = format!("http://{}", listener.local_addr()?);
    let kept = held.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let Ok((head, body)) = read(&mut stream) else { continue };
            let mut held = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let count = count.fetch_add(1, Ordering::Relaxed);
            let (status, headers, body) = answer(&mut held, fault, count, &head, body);
            let more = usize::from(fault == Fault::HangsUp && head.starts_with("GET") && status < 300);
            let length = body.len() + more;
            let _ = write!(
                stream,
                "HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(&body);
        }
    });
    Ok(Service { held, at })
}

fn place(at: &str) -> Place {
    Place {
        endpoint: at.to_owned(),
        region: "us-east-1".into(),
        bucket: "reports".into(),
        key_id: "id".into(),
    }
}

fn bucket(at: &str) -> Result<Bucket, DeliveryError> {
    Bucket::new(&place(at), "secret", None, || 1_795_996_800)
}

/// The same with parts of a thousand bytes.
fn in_parts(at: &str) -> Result<Bucket, DeliveryError> {
    Ok(Bucket { part: 1_000, ..bucket(at)? })
}

/// A file that is sent, for as long as its folder lives.
struct Sent(tempfile::TempDir);

impl Sent {
    fn of(&self, bytes: &[u8]) -> Result<Local, Box<dyn std::error::Error>> {
        let path = self.0.path().join("sent");
        std::fs::write(&path, bytes)?;
        Ok(Local::of(&path)?)
    }
}

type Tested = Result<(), Box<dyn std::error::Error>>;

#[tokio::test]
async fn a_purge_leaves_no_version_no_marker_and_no_upload_of_its_prefix() -> Tested {
    let (service, sent) = (serve(Fault::None)?, Sent(tempfile::tempdir()?));
    let bucket = bucket(&service.at)?;
    bucket.purgeable("aula/").await?;
    assert_eq!(bucket.keys("aula/").await?, [""; 0]);
    for (key, bytes) in [("aula/nightly/2019-11-28/a", "one"), ("aula/nightly/2019-11-29/a", "two")] {
        bucket.put(key, &sent.of(bytes.as_bytes())?).await?;
        // The same again is no second version.
        bucket.put(key, &sent.of(bytes.as_bytes())?).await?;
    }
    assert!(matches!(
        bucket.put("aula/nightly/2019-11-28/a", &sent.of(b"other")?).await,
        Err(DeliveryError::Differs { .. })
    ));
    {
        let mut held = service.held();
        assert_eq!(held.versions.len(), 2);
        for n in 0..7 {
            held.versions.insert(
                ("aula/nightly/2019-11-28/a".into(), 900 + n),
                (n % 2 == 0).then(|| b"older".to_vec()),
            );
            held.uploads.insert(("aula/nightly/2019-11-28/b".into(), 900 + n), BTreeMap::new());
        }
    }
    assert_eq!(bucket.purge("aula/nightly/2019-11-28/").await?, 15);
    assert_eq!(bucket.keys("aula/").await?, ["aula/nightly/2019-11-29/a"]);
    assert_eq!(bucket.purge("aula/nightly/2019-11-28/").await?, 0);
    assert!(bucket.purge("").await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_keeps_what_was_deleted_is_told() -> Tested {
    for (fault, word) in [
        (Fault::KeepsVersions, "are left"),
        (Fault::KeepsUploads, "are left"),
        (Fault::Locks, "object lock"),
        (Fault::Denies, "403 Forbidden AccessDenied"),
    ] {
        let service = serve(fault)?;
        let told = bucket(&service.at)?.purgeable("aula/").await.map_err(|error| error.to_string());
        assert!(told.as_ref().is_err_and(|told| told.contains(word)), "{fault:?}: {told:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_service_that_lies_or_stops_in_the_middle_is_found_out() -> Tested {
    let (sent, mine) = (Sent(tempfile::tempdir()?), b"mine".repeat(100));
    for (fault, word) in [
        (Fault::Lies, "other bytes"),
        (Fault::Cuts, "other bytes"),
        (Fault::HangsUp, "127.0.0.1"),
        (Fault::Denies, "403 Forbidden AccessDenied"),
    ] {
        let told = bucket(&serve(fault)?.at)?.put("aula/a", &sent.of(&mine)?).await;
        let told = told.map_err(|error| error.to_string());
        assert!(told.as_ref().is_err_and(|told| told.contains(word)), "{fault:?}: {told:?}");
    }
    // Its own word for what it holds is not asked: the bytes are.
    bucket(&serve(Fault::WrongTag)?.at)?.put("aula/a", &sent.of(&mine)?).await?;
    // It takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let place = place(&format!("http://{}", silent.local_addr()?));
    let slow = Bucket::patient(&place, "secret", None, || 1_795_996_800, Duration::from_millis(50))?;
    let told = slow.put("aula/a", &sent.of(&mine)?).await.map_err(|error| error.to_string());
    assert!(told.as_ref().is_err_and(|told| told.contains("timed out")), "{told:?}");
    // Nobody is there.
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    assert!(bucket(&format!("http://{closed}"))?.put("aula/a", &sent.of(&mine)?).await.is_err());
    Ok(())
}

/// A service that takes each connection, says this when it is asked, then nothing.
fn silent_after(head: &'static str) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let at = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().flatten() {
            // Who asked may be gone.
            let _ = stream.read_exact(&mut [0; 1]).and_then(|()| stream.write_all(head.as_bytes()));
            held.push(stream);
        }
    });
    Ok(at)
}

/// Whatever is asked of it ends.
#[tokio::test]
async fn a_service_that_takes_connections_and_never_answers_holds_up_no_request() -> Tested {
    let sent = Sent(tempfile::tempdir()?);
    // Nothing at all; an answer that never comes to its end.
    for head in ["", "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 10\r\n\r\nhalf"] {
        let place = place(&silent_after(head)?);
        let slow = Bucket::patient(&place, "secret", None, || 1_795_996_800, Duration::from_millis(50))?;
        let file = sent.of(b"mine")?;
        let ended = [
            slow.purgeable("aula/").await.err(),
            slow.purge("aula/").await.err(),
            slow.keys("aula/").await.err(),
            slow.same("aula/a", &file).await.err(),
            slow.put("aula/a", &file).await.err(),
            slow.record("aula/a").await.err(),
            slow.put_record("aula/a", None, b"1").await.err(),
        ];
        for (number, why) in ended.iter().enumerate() {
            assert!(
                why.as_ref().is_some_and(|why| why.to_string().contains("timed out")),
                "{head:?} {number}: {why:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_a_failed_upload_leaves_none() -> Tested {
    let (service, sent) = (serve(Fault::None)?, Sent(tempfile::tempdir()?));
    let bucket = in_parts(&service.at)?;
    for length in [0usize, 1, 999, 1_000, 1_001, 2_000, 10_500] {
        let (key, bytes) = (format!("aula/{length}"), (0..length).map(|n| n as u8).collect::<Vec<_>>());
        // A process that was killed left an upload of the same key.
        service.held().uploads.insert((key.clone(), 9_000), [(1, vec![7])].into());
        assert_eq!(bucket.same(&key, &sent.of(&bytes)?).await?, None);
        for _ in 0..2 {
            bucket.put(&key, &sent.of(&bytes)?).await?;
        }
        assert_eq!(bucket.same(&key, &sent.of(&bytes)?).await?, Some(true), "{length}");
        // One byte more, less or other is found, wherever the parts end.
        let mut other = bytes.clone();
        other.push(0);
        assert_eq!(bucket.same(&key, &sent.of(&other)?).await?, Some(false), "{length} and one");
        if length > 0 {
            other.truncate(length - 1);
            assert_eq!(bucket.same(&key, &sent.of(&other)?).await?, Some(false), "{length} less one");
            other.push(bytes[length - 1] ^ 1);
            assert_eq!(bucket.same(&key, &sent.of(&other)?).await?, Some(false), "{length}, changed");
        }
        let held = service.held();
        let versions = held.versions.keys().filter(|(held, _)| *held == key).count();
        let uploads = held.uploads.keys().filter(|(held, _)| *held == key).count();
        assert_eq!((versions, uploads), (1, usize::from(length <= 1_000)), "{length}");
    }
    for (fault, word) in
        [(Fault::Full, "507"), (Fault::FailsLate, "InternalError"), (Fault::Cuts, "other bytes")]
    {
        let service = serve(fault)?;
        let bucket = in_parts(&service.at)?;
        let told = bucket.put("aula/a", &sent.of(&[5; 2_500])?).await.map_err(|error| error.to_string());
        assert!(told.as_ref().is_err_and(|told| told.contains(word)), "{fault:?}: {told:?}");
        let held = service.held();
        assert_eq!(held.uploads.len(), 0, "{fault:?}");
    }
    Ok(())
}

/// Two nodes with one schedule: the second begins while the first is in the middle, and neither takes the other's upload away.
#[tokio::test]
async fn two_uploads_of_one_file_at_once_both_end_well_and_leave_nothing() -> Tested {
    let (service, sent) = (serve(Fault::None)?, Sent(tempfile::tempdir()?));
    let bytes: Vec<u8> = (0..100_500u32).map(|n| (n % 251) as u8).collect();
    let (file, key) = (sent.of(&bytes)?, "aula/a");
    let (first, second) = (in_parts(&service.at)?, in_parts(&service.at)?);
    let parts = || service.held().uploads.values().map(BTreeMap::len).max().unwrap_or(0);
    let later = async {
        while parts() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(parts() < 100, "the first is in the middle");
        second.put(key, &file).await
    };
    let (one, other) = tokio::join!(first.put(key, &file), later);
    one.map_err(|error| format!("the first: {error}"))?;
    other.map_err(|error| format!("the second: {error}"))?;
    let held = service.held();
    assert!(
        !held.versions.is_empty() && held.versions.values().all(|version| version.as_ref() == Some(&bytes))
    );
    assert_eq!(held.uploads.len(), 0);
    Ok(())
}

/// Nobody else's upload ends because of one that failed itself.
#[tokio::test]
async fn an_upload_that_fails_leaves_those_of_others() -> Tested {
    let (service, sent) = (serve(Fault::Full)?, Sent(tempfile::tempdir()?));
    let bucket = in_parts(&service.at)?;
    let other = ("aula/a".to_owned(), 9_000);
    service.held().uploads.insert(other.clone(), [(1, vec![7])].into());
    assert!(bucket.put("aula/a", &sent.of(&[5; 2_500])?).await.is_err());
    assert_eq!(service.held().uploads.keys().collect::<Vec<_>>(), [&other]);
    Ok(())
}

#[test]
fn only_this_machine_is_asked_without_tls() {
    let with = |endpoint: &str, bucket: &str| {
        let place = Place {
            endpoint: endpoint.into(),
            region: "eu".into(),
            bucket: bucket.into(),
            key_id: "id".into(),
        };
        Bucket::new(&place, "secret", None, || 0).is_ok()
    };
    assert!(with("https://s3.example.org", "reports") && with("http://127.0.0.1:9000", "reports"));
    assert!(with("http://[::1]:9000", "reports") && with("https://10.0.0.7", "reports"));
    for (endpoint, bucket) in [
        ("http://s3.example.org", "reports"),
        ("https://s3.example.org/path", "reports"),
        ("https://a:b@s3.example.org", "reports"),
        ("ftp://127.0.0.1", "reports"),
        ("https://s3.example.org", "Re/ports"),
        ("https://s3.example.org", ""),
        ("nothing", "reports"),
    ] {
        assert!(!with(endpoint, bucket), "{endpoint} {bucket}");
    }
}

#[test]
fn an_authority_that_is_not_a_certificate_is_refused() {
    let told = Bucket::new(&place("https://s3.example.org"), "secret", Some(&b"none"[..]), || 0);
    assert!(told.is_err_and(|error| error.to_string().contains("not a certificate")));
}
