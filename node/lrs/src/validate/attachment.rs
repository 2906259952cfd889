//! Attachments as a statement describes them; their bytes are [`crate::attachments`]'s.

use super::text::{is_media_type, is_sha2};
use super::{Checked, Refused, iri, language_map, object, optional, required, texted};
use crate::json::Json;

/// The usage type of a signature.
pub const SIGNATURE: &str = "http://adlnet.gov/expapi/attachments/signature";

pub(super) fn attachment(value: &Json) -> Checked {
    let keys = ["usageType", "display", "description", "contentType", "length", "sha2", "fileUrl"];
    let found = object(value, &keys)?;
    required(found, "usageType", iri)?;
    required(found, "display", language_map)?;
    optional(found, "description", language_map)?;
    required(found, "contentType", texted("a media type such as text/plain", is_media_type))?;
    required(found, "length", |value| match value {
        Json::Number(number) if number.as_u64().is_some() => Ok(()),
        _ => Err(Refused::new("must be a whole number of bytes")),
    })?;
    required(found, "sha2", texted("a hash of the SHA-2 family in hexadecimal", is_sha2))?;
    optional(found, "fileUrl", iri)?;
    let signature = found.get("usageType").and_then(Json::as_text) == Some(SIGNATURE);
    match signature && found.get("contentType").and_then(Json::as_text) != Some("application/octet-stream") {
        true => Err(Refused::new("a signature's contentType is application/octet-stream")),
        false => Ok(()),
    }
}
