//! One small object that several change in turn: a change is made only where what was read still stands there.
//!
//! Services say so by 412, or by 409 where two changes meet. Absent: whether a service keeps to the condition, which whoever relies on
//! it tries.

use reqwest::{Method, StatusCode};

use super::{Asked, Bucket};
use crate::DeliveryError;

impl Bucket {
    /// The object under this key with the service's word for it; none where there is none.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn record(&self, key: &str) -> Result<Option<(String, Vec<u8>)>, DeliveryError> {
        let answered = self.ask(Asked::new(Method::GET, key)).await?;
        if answered.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answered.status.is_success() {
            return Err(self.refused(answered.status, &answered.body));
        }
        let tag = answered.tag.ok_or_else(|| self.untold())?;
        Ok(Some((tag, answered.body)))
    }

    /// Puts an object in the place of the one of this word, or where there is none. Gives the service's word for it; none, and nothing is
    /// changed, where another stands there.
    ///
    /// # Errors
    /// What the service refuses; it may have been put where the connection was cut.
    pub async fn put_record(
        &self,
        key: &str,
        over: Option<&str>,
        body: &[u8],
    ) -> Result<Option<String>, DeliveryError> {
        let only_if = Some(over.map_or(("if-none-match", "*"), |tag| ("if-match", tag)));
        let answered = self.ask(Asked { only_if, body, ..Asked::new(Method::PUT, key) }).await?;
        match answered.status {
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => Ok(None),
            // What was to be replaced is not there.
            StatusCode::NOT_FOUND if over.is_some() => Ok(None),
            status if status.is_success() => Ok(Some(answered.tag.ok_or_else(|| self.untold())?)),
            status => Err(self.refused(status, &answered.body)),
        }
    }

    fn untold(&self) -> DeliveryError {
        DeliveryError::peer(&self.said(), "it says no ETag of an object")
    }
}
