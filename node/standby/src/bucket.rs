//! The lease's record in a bucket that speaks S3, by conditional puts (`If-Match`, `If-None-Match`).
//!
//! A service that takes a put in spite of its condition would let two act: whether this one refuses is tried before it is used, on an
//! object beside the record. Requests run on a thread of their own, so that whoever asks may be anywhere. Absent: locks of objects,
//! listings.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use aula_delivery::{Bucket, DeliveryError};

use crate::lease::{Kept, LeaseError, LeaseStore, Record};

/// How long one request may take.
pub const TIMEOUT: Duration = Duration::from_millis(800);

enum Job {
    Read(SyncSender<Read>),
    Put(Option<String>, Vec<u8>, SyncSender<Put>),
}

type Read = Result<Option<(String, Vec<u8>)>, DeliveryError>;
type Put = Result<Option<String>, DeliveryError>;

/// A store in a bucket.
pub struct BucketLease {
    jobs: Mutex<Sender<Job>>,
}

impl std::fmt::Debug for BucketLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BucketLease")
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (jobs, asked) = channel();
        let (ready, tried) = sync_channel(1);
        let key = key.to_owned();
        let work = move || {
            let judged = runtime.block_on(honours(&bucket, &format!("{key}.try")));
            let good = judged.is_ok();
            // Who waits is there.
            let _ = ready.send(judged);
            if good {
                run(&runtime, &bucket, &key, &asked);
            }
        };
        std::thread::Builder::new().name("pair-bucket".into()).spawn(work).map_err(failed)?;
        tried.recv().map_err(failed)??;
        Ok(Self { jobs: Mutex::new(jobs) })
    }

    fn ask<T>(&self, job: impl FnOnce(SyncSender<T>) -> Job) -> Result<T, LeaseError> {
        let (reply, answer) = sync_channel(1);
        let sent = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job(reply));
        sent.map_err(|_| failed("its thread has ended"))?;
        answer.recv_timeout(2 * TIMEOUT).map_err(failed)
    }
}

fn run(runtime: &tokio::runtime::Runtime, bucket: &Bucket, key: &str, asked: &Receiver<Job>) {
    while let Ok(job) = asked.recv() {
        // Who waited too long is gone.
        match job {
            Job::Read(reply) => drop(reply.send(runtime.block_on(bucket.record(key)))),
            Job::Put(over, bytes, reply) => {
                drop(reply.send(runtime.block_on(bucket.put_record(key, over.as_deref(), &bytes))));
            }
        }
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
    if wrong.is_some() || there == another { Err(not()) } else { Ok(()) }
}

impl LeaseStore for BucketLease {
    fn read(&self) -> Result<Option<Kept>, LeaseError> {
        let Some((tag, bytes)) = self.ask(Job::Read)?.map_err(failed)? else { return Ok(None) };
        let record = serde_json::from_slice::<Record>(&bytes);
        Ok(Some(Kept { tag, record: record.map_err(|_| failed("its object is no lease's record"))? }))
    }

    fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError> {
        let bytes = serde_json::to_vec(record).map_err(failed)?;
        let over = over.map(str::to_owned);
        self.ask(|reply| Job::Put(over, bytes, reply))?.map_err(failed)
    }
}
