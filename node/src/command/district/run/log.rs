//! The access log's head, on the ledger.

use super::office::Office;
use crate::command::Failure;
use crate::command::vault::anchor_log;

/// Anchors what the log has grown by.
pub(super) async fn anchor(office: &Office) -> Result<String, Failure> {
    // The first step of a vault that was made before its chain was known.
    office.district().await?;
    let done = anchor_log(&office.context, &office.place, &office.ledger).await?;
    Ok(done
        .answer
        .map(|answer| answer.text.lines().next().unwrap_or_default().to_owned())
        .unwrap_or_default())
}
