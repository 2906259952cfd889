//! Attachments' bytes: `multipart/mixed`, and signatures.

mod multipart;
mod signature;
#[cfg(test)]
mod tests;

use ring::digest;

use crate::json::Json;
use crate::validate::{Refused, SIGNATURE};

pub use multipart::{MultipartError, Part, boundary_of, read, write};

/// An attachment's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// SHA-2 in lower-case hexadecimal, as the statement says.
    pub sha2: String,
    /// Media type.
    pub content_type: String,
    /// What hashes to `sha2`, byte for byte.
    pub bytes: Vec<u8>,
}

/// Gives each statement the attachments that it describes, from a request's parts after the first.
///
/// # Errors
/// [`Refused`]: a part that nothing describes or with another hash, an attachment with neither bytes nor a `fileUrl`, a
/// signature that signs something else. The hash binds the bytes; the described length is the sender's word, which the
/// standard does not have checked.
pub fn matched(statements: &[Json], parts: Vec<Attachment>) -> Result<Vec<Vec<Attachment>>, Refused> {
    for part in &parts {
        if hash(&part.bytes, part.sha2.len()).as_deref() != Some(part.sha2.as_str()) {
            return Err(Refused::new(format!("the bytes of attachment {} have another hash", part.sha2)));
        }
    }
    let mut described = Vec::new();
    let mut found = Vec::with_capacity(statements.len());
    for statement in statements {
        let (mut own, mut signed): (Vec<Attachment>, Vec<String>) = Default::default();
        for one in descriptions(statement) {
            let sha2 = one.text_of("sha2").unwrap_or_default().to_ascii_lowercase();
            match parts.iter().find(|part| part.sha2 == sha2) {
                Some(part) => {
                    if one.text_of("usageType") == Some(SIGNATURE) && !signed.contains(&sha2) {
                        signature::check(&part.bytes, statement)?;
                        signed.push(sha2.clone());
                    }
                    // The description names the media type; a part's own header may be more general.
                    let content_type = one.text_of("contentType").unwrap_or(&part.content_type).to_owned();
                    // However often it is described, its bytes are looked at and kept once.
                    if own.iter().all(|kept| kept.sha2 != sha2) {
                        own.push(Attachment { content_type, ..part.clone() });
                    }
                    described.push(sha2);
                }
                None if one.text_of("usageType") == Some(SIGNATURE) => {
                    return Err(Refused::new("a signature must be sent as a part of the request"));
                }
                None if one.get("fileUrl").is_none() => {
                    return Err(Refused::new(format!(
                        "the attachment {sha2} has neither a part nor a fileUrl"
                    )));
                }
                None => {}
            }
        }
        found.push(own);
    }
    match parts.iter().find(|part| !described.contains(&part.sha2)) {
        Some(part) => Err(Refused::new(format!("no statement describes the part {}", part.sha2))),
        None => Ok(found),
    }
}

/// The attachments that a statement and the statement inside it describe.
fn descriptions(statement: &Json) -> impl Iterator<Item = &Json> {
    let inner = statement.get("object").filter(|o| o.text_of("objectType") == Some("SubStatement"));
    let lists = [Some(statement), inner].into_iter().flatten().filter_map(|one| one.get("attachments"));
    lists.filter_map(Json::as_array).flatten()
}

/// The hash of the SHA-2 family with this many hexadecimal digits.
fn hash(bytes: &[u8], digits: usize) -> Option<String> {
    use sha2::{Digest, Sha224};
    let algorithm = match digits {
        56 => return Some(hex::encode(Sha224::digest(bytes))),
        64 => &digest::SHA256,
        96 => &digest::SHA384,
        128 => &digest::SHA512,
        _ => return None,
    };
    Some(hex::encode(digest::digest(algorithm, bytes)))
}
