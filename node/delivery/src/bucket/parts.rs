//! Files on their way into a bucket and back: whole where they are small, in parts where they are not.
//!
//! Flow of [`Bucket::put`]: what is there already is compared → the file is put, in parts of [`PART`] where it is longer → it is read
//! back and compared, as much at a time → what others left unfinished under its key is aborted. Invariants: no more than a part is held; an
//! upload that fails is aborted; nobody else's is before the whole object is there, since two nodes with one schedule send at the same
//! time. What the service says of an object (ETag) is not believed: its bytes are.

use reqwest::{Method, StatusCode};

use super::{Answered, Asked, Bucket, answer};
use crate::{DeliveryError, Local};

/// Bytes that are sent and read back at once; services take at most 10,000 parts.
pub(super) const PART: usize = 8 << 20;

impl Bucket {
    /// Puts a file; one that is there with these bytes stays.
    ///
    /// # Errors
    /// What the service refuses; a file that is there with other bytes.
    pub async fn put(&self, key: &str, file: &Local) -> Result<(), DeliveryError> {
        let differs = || DeliveryError::Differs { place: self.said(), name: key.to_owned() };
        match self.same(key, file).await? {
            Some(true) => return self.clear(key, file).await,
            Some(false) => return Err(differs()),
            None => {}
        }
        let sent = if file.length() <= self.part as u64 {
            let body = file.piece(0, self.part)?;
            self.done(Asked { body: &body, ..Asked::new(Method::PUT, key) }).await.map(|_| ())
        } else {
            self.put_in_parts(key, file).await
        };
        match (sent, self.same(key, file).await) {
            // Also where sending failed: another node with the same schedule was first, and cleared what was unfinished.
            (_, Ok(Some(true))) => self.clear(key, file).await,
            (Err(error), _) | (Ok(()), Err(error)) => Err(error),
            (Ok(()), Ok(_)) => Err(differs()),
        }
    }

    /// Aborts the uploads of a key whose object is whole: those of killed processes, and of nodes that come too late.
    async fn clear(&self, key: &str, file: &Local) -> Result<(), DeliveryError> {
        if file.length() <= self.part as u64 {
            return Ok(());
        }
        for left in self.uploads(key).await?.into_iter().filter(|left| left.key == key) {
            self.abort(key, &left.id).await?;
        }
        Ok(())
    }

    async fn put_in_parts(&self, key: &str, file: &Local) -> Result<(), DeliveryError> {
        let begun = self.done(Asked { query: &[("uploads", "")], ..Asked::new(Method::POST, key) }).await?;
        let id = answer::text(&begun, "UploadId").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| DeliveryError::peer(&self.said(), "it began an upload without an id"))?;
        let sent = self.send_parts(key, &id, file).await;
        if sent.is_err() {
            // What stays after that is aborted once the object is there, or purged with its date.
            let _ = self.abort(key, &id).await;
        }
        sent
    }

    async fn send_parts(&self, key: &str, id: &str, file: &Local) -> Result<(), DeliveryError> {
        let mut list = String::from("<CompleteMultipartUpload>");
        let (mut at, mut number) = (0u64, 0u32);
        while at < file.length() {
            let body = file.piece(at, self.part)?;
            number = number.saturating_add(1);
            at = at.saturating_add(self.part as u64);
            let (name, query) = (number.to_string(), ("uploadId", id));
            let asked =
                Asked { query: &[("partNumber", &name), query], body: &body, ..Asked::new(Method::PUT, key) };
            let answered = self.ask(asked).await?;
            if !answered.status.is_success() {
                return Err(self.refused(answered.status, &answered.body));
            }
            let tag =
                answered.tag.ok_or_else(|| DeliveryError::peer(&self.said(), "it gave a part no ETag"))?;
            let tag = tag.replace('&', "&amp;").replace('<', "&lt;");
            list += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
        }
        list += "</CompleteMultipartUpload>";
        let asked =
            Asked { query: &[("uploadId", id)], body: list.as_bytes(), ..Asked::new(Method::POST, key) };
        // A service may begin to answer 200 and then say that it failed.
        let body = self.done(asked).await?;
        match answer::text(&body, "Code") {
            Some(_) => Err(self.refused(StatusCode::OK, &body)),
            None => Ok(()),
        }
    }

    async fn abort(&self, key: &str, id: &str) -> Result<(), DeliveryError> {
        let asked = Asked { query: &[("uploadId", id)], ..Asked::new(Method::DELETE, key) };
        let Answered { status, body, .. } = self.ask(asked).await?;
        // Its owner may have ended it meanwhile.
        let gone = status.is_success() || status == StatusCode::NOT_FOUND;
        if gone { Ok(()) } else { Err(self.refused(status, &body)) }
    }

    /// Whether an object has a file's bytes; none when it is not there.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn same(&self, key: &str, file: &Local) -> Result<Option<bool>, DeliveryError> {
        let (mut at, whole) = (0u64, file.length());
        loop {
            let in_parts = whole > self.part as u64;
            let until = at.saturating_add(self.part as u64).min(whole).saturating_sub(1);
            let range = in_parts.then_some((at, until));
            let answered =
                self.ask(Asked { range, enough: Some(self.part), ..Asked::new(Method::GET, key) }).await?;
            match answered.status {
                StatusCode::NOT_FOUND if at == 0 => return Ok(None),
                // It is shorter.
                StatusCode::RANGE_NOT_SATISFIABLE if in_parts => return Ok(Some(false)),
                StatusCode::PARTIAL_CONTENT if in_parts && answered.total == Some(whole) => {}
                StatusCode::PARTIAL_CONTENT if in_parts => return Ok(Some(false)),
                status if status.is_success() && !in_parts => {}
                status if status.is_success() => {
                    return Err(DeliveryError::peer(&self.said(), "it gives no parts of what it holds"));
                }
                status => return Err(self.refused(status, &answered.body)),
            }
            if answered.body != file.piece(at, self.part)? {
                return Ok(Some(false));
            }
            at = at.saturating_add(self.part as u64);
            if at >= whole {
                return Ok(Some(true));
            }
        }
    }
}
